/** Deepest nesting of objects and arrays that is read. */
const MAX_DEPTH = 127;
const U64_MAX = 2n ** 64n - 1n;

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const INTEGER = /^(?:-?[1-9][0-9]*|0)$/;
// the part of a string up to its quote, a backslash, or a raw control character, which JSON forbids
const PLAIN_TEXT = /[ !#-[\]-\uffff]*/y;
const FOUR_HEX = /[0-9a-fA-F]{4}/y;

const LITERALS = { true: true, false: false, null: null } as const;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** The text is not JSON, or not of the strict kind. */
export class StrictJsonError extends SyntaxError {
  override readonly name = 'StrictJsonError';
}

/** A number that is not written as an integer of at most 64 bits, where only such integers have a meaning. */
export class NotAnInteger {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

/**
 * Where JSON is read the way JSON.parse does: below this path the last of repeated keys wins and any number will do. Elsewhere
 * repeated keys are refused, integers above 2^53 become the largest safe integer, and other numbers become `NotAnInteger`.
 * The empty path means everywhere.
 */
export interface StrictJsonOptions {
  readonly freeBelow?: readonly string[];
}

/**
 * Reads JSON as strictly as the protocol asks: UTF-8 without a byte order mark, no lone surrogates, no numbers beyond a double,
 * nested at most 127 levels, nothing after the value.
 * @throws StrictJsonError naming line and column
 */
export function parseStrictJson(json: string | Uint8Array, { freeBelow }: StrictJsonOptions = {}): unknown {
  return new Reader(typeof json === 'string' ? json : decode(json)).document(freeBelow);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new StrictJsonError('Cannot read JSON: the text is not UTF-8', { cause });
  }
}

/** What remains of the path to the free part: empty within it, undefined beside it. */
type Free = readonly string[] | undefined;

function isFree(free: Free): boolean {
  return free?.length === 0;
}

function below(free: Free, key: string): Free {
  if (isFree(free)) return free;
  return free?.[0] === key ? free.slice(1) : undefined;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(free: Free): unknown {
    const value = this.#value(free);
    this.#skipWhitespace();
    if (this.#at < this.#text.length) throw this.#error('trailing text after the value');
    return value;
  }

  #value(free: Free): unknown {
    this.#skipWhitespace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#nested(() => this.#object(free));
    if (first === '[') return this.#nested(() => this.#array(free));
    if (first === '"') return this.#string();
    if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) return this.#number(free);
    return this.#literal();
  }

  #nested<Value>(read: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#error(`nesting is deeper than ${MAX_DEPTH} levels`);
    this.#at += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(free: Free): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    if (this.#skips('}')) return members;
    do {
      const key = this.#key();
      if (Object.hasOwn(members, key) && !isFree(free)) throw this.#error(`key ${JSON.stringify(key)} is repeated`);
      setMember(members, key, this.#value(below(free, key)));
    } while (this.#skips(','));
    this.#expect('}');
    return members;
  }

  #key(): string {
    this.#skipWhitespace();
    if (this.#text[this.#at] !== '"') throw this.#error('expected a key in quotes');
    const key = this.#string();
    this.#expect(':');
    return key;
  }

  #array(free: Free): unknown[] {
    const items: unknown[] = [];
    if (this.#skips(']')) return items;
    // an array is never on the way to the free part
    const inside = isFree(free) ? free : undefined;
    do items.push(this.#value(inside));
    while (this.#skips(','));
    this.#expect(']');
    return items;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    let text = '';
    for (;;) {
      text += this.#match(PLAIN_TEXT);
      const stop = this.#text[this.#at];
      if (stop === '"') break;
      if (stop !== '\\')
        throw this.#error(stop === undefined ? 'a string does not end' : 'a control character in a string');
      this.#at += 1;
      text += this.#escape();
    }
    this.#at += 1;
    if (!text.isWellFormed()) throw this.#error('a string with half of a surrogate pair', start);
    return text;
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    this.#at += 1;
    const plain = ESCAPES[letter];
    if (plain !== undefined) return plain;
    const digits = letter === 'u' ? this.#match(FOUR_HEX) : '';
    if (digits === '') throw this.#error('an escape that JSON does not know', this.#at - 2);
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #number(free: Free): number | NotAnInteger {
    const start = this.#at;
    const literal = this.#match(NUMBER);
    if (literal === '') throw this.#error('a malformed number');
    const value = Number(literal);
    if (!Number.isFinite(value)) throw this.#error('a number out of range', start);
    return isFree(free) ? value : integerOf(literal, value);
  }

  #literal(): boolean | null {
    for (const [word, value] of Object.entries(LITERALS)) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    throw this.#error(this.#at < this.#text.length ? 'expected a value' : 'the text ends early');
  }

  #expect(mark: string): void {
    if (!this.#skips(mark)) throw this.#error(`expected "${mark}"`);
  }

  #skips(mark: string): boolean {
    this.#skipWhitespace();
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    return true;
  }

  #skipWhitespace(): void {
    this.#match(WHITESPACE);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += match.length;
    return match;
  }

  #error(problem: string, at = this.#at): StrictJsonError {
    const before = this.#text.slice(0, at).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    return new StrictJsonError(`Cannot read JSON: ${problem} at line ${before.length}, column ${column}`);
  }
}

function integerOf(literal: string, value: number): number | NotAnInteger {
  if (!INTEGER.test(literal)) return new NotAnInteger(literal);
  if (Number.isSafeInteger(value)) return value;
  // too large to be exact: the protocol's 64-bit fields are bounds, for which the largest safe integer is as good
  return literal.length <= 20 && BigInt(literal) > 0n && BigInt(literal) <= U64_MAX
    ? Number.MAX_SAFE_INTEGER
    : new NotAnInteger(literal);
}

function setMember(members: Record<string, unknown>, key: string, value: unknown): void {
  // plain assignment of this one key would replace the prototype
  if (key === '__proto__') {
    Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    members[key] = value;
  }
}
