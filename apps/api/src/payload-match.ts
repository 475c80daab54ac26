import type { PayloadMatch } from '@guestkit/core/history/job-search';
import * as z from 'zod';

/**
 * `PATH=VALUE`. The path has dots between names, and indexes as names or in brackets; a backslash takes the meaning from a dot, an
 * equals sign, a bracket or a backslash. `.=VALUE` means the data as a whole.
 */
export const payloadMatch = z.string().transform((text, context): PayloadMatch => {
  const [, written, value] = /^((?:\\.|[^\\=])+)=(.*)$/s.exec(text) ?? [];
  if (written !== undefined && value !== undefined) return { path: pathOf(written), value: scalarOf(value) };
  context.addIssue('expected PATH=VALUE');
  return z.NEVER;
});

function pathOf(written: string): readonly string[] {
  if (written === '.') return [];
  const dotted = written.replace(/(\\.)|\[(\d+)\]/gs, (match, escaped, index) => (escaped ? match : `.${index}`));
  // an index may come first
  const path = written.startsWith('[') ? dotted.slice(1) : dotted;
  return [...path.matchAll(/(?:^|\.)((?:\\.|[^\\.])*)/gs)].map(([, name = '']) => name.replace(/\\(.)/gs, '$1'));
}

function scalarOf(text: string): PayloadMatch['value'] {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as PayloadMatch['value'];
  } catch {
    // not JSON: a text without quotes
  }
  return text;
}
