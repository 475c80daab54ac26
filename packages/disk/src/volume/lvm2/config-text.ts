import { quote } from '../../quote.ts';
import { corrupt } from './error.ts';
import { LIMIT } from './layout.ts';

// The text that LVM writes its metadata in: sections in braces, values that are numbers, texts or lists of these, comments from # on.

export type ConfigValue = number | string | readonly (number | string)[];

export interface ConfigSection {
  readonly values: ReadonlyMap<string, ConfigValue>;
  readonly sections: ReadonlyMap<string, ConfigSection>;
}

/** @throws DiskError `corrupt` naming the offset in the text */
export function parseConfigText(text: string): ConfigSection {
  const parser = new ConfigParser(text);
  return parser.section(0);
}

const TOKEN = /(?:[\s,]|#[^\n]*)*(?:([{}[\]=])|"((?:[^"\\]|\\.)*)"|(-?[\w.+-]+(?:\/[\w.+-]+)*)|$)/suy;

type Token =
  | { readonly kind: 'mark'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'end'; readonly text: '' };

class ConfigParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  section(depth: number): ConfigSection {
    if (depth > LIMIT.nesting) throw this.#refuse(`sections are nested deeper than ${LIMIT.nesting}`);
    const values = new Map<string, ConfigValue>();
    const sections = new Map<string, ConfigSection>();
    for (;;) {
      const name = this.#next();
      if (name.kind === 'end' || (name.kind === 'mark' && name.text === '}')) {
        if ((name.kind === 'end') !== (depth === 0)) throw this.#refuse('a brace is missing');
        return { values, sections };
      }
      if (name.kind === 'mark') throw this.#refuse(`${quote(name.text)} stands where a name should`);
      const mark = this.#next();
      if (mark.text === '{' && mark.kind === 'mark') sections.set(name.text, this.section(depth + 1));
      else if (mark.text === '=' && mark.kind === 'mark') values.set(name.text, this.#value());
      else throw this.#refuse(`${quote(name.text)} has neither a value nor a section`);
    }
  }

  #value(): ConfigValue {
    const token = this.#next();
    if (token.kind !== 'mark') return this.#scalar(token);
    if (token.text !== '[') throw this.#refuse(`${quote(token.text)} stands where a value should`);
    const items: (number | string)[] = [];
    for (let item = this.#next(); !(item.kind === 'mark' && item.text === ']'); item = this.#next()) {
      items.push(this.#scalar(item));
    }
    return items;
  }

  #scalar(token: Token): number | string {
    if (token.kind === 'text') return token.text.replace(/\\(.)/gs, '$1');
    const number = Number(token.text);
    if (token.kind === 'word' && Number.isFinite(number)) return number;
    throw this.#refuse(`${quote(token.text)} stands where a value should`);
  }

  #next(): Token {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null) throw this.#refuse('what stands there is no token');
    this.#at = TOKEN.lastIndex;
    const [, mark, text, word] = match;
    if (mark !== undefined) return { kind: 'mark', text: mark };
    if (text !== undefined) return { kind: 'text', text };
    return word === undefined ? { kind: 'end', text: '' } : { kind: 'word', text: word };
  }

  #refuse(state: string) {
    return corrupt('metadata text', `${state}, near character ${this.#at}`);
  }
}
