import { Document, Scalar, visit } from 'yaml';
import { escapeUnsafe } from './json.ts';

const NEEDS_QUOTES = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** YAML in which text of a guest cannot act upon a terminal: such strings are double-quoted and escaped. */
export function toYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && NEEDS_QUOTES.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return escapeUnsafe(document.toString({ lineWidth: 0, doubleQuotedAsJSON: true }));
}
