/** Deepest nesting of objects and arrays that is read. */
const MAX_DEPTH = 127;
const U64_MAX = 2n ** 64n - 1n;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const INTEGER = /^(?:-?[1-9][0-9]*|0)$/;
const FOUR_HEX = /[0-9a-fA-F]{4}/y;

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, COMMA, MINUS, ZERO, NINE, COLON] = [0x22, 0x2c, 0x2d, 0x30, 0x39, 0x3a];
const [OPEN_BRACKET, BACKSLASH, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5c, 0x5d, 0x7b, 0x7d];

const LITERALS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;
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

/**
 * Looks at one unit of the text at a time: nearly all of a document are short words and small numbers, for which a pattern costs more
 * than what it finds.
 */
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
    const first = this.#skipWhitespace();
    if (first === QUOTE) return this.#string();
    if (first === OPEN_BRACE) return this.#object(free);
    if (first === OPEN_BRACKET) return this.#array(free);
    if (first === MINUS || isDigit(first)) return this.#number(free);
    return this.#literal();
  }

  #object(free: Free): Record<string, unknown> {
    this.#enter();
    const members: Record<string, unknown> = {};
    if (this.#skips(CLOSE_BRACE)) return this.#leave(members);
    do {
      const key = this.#key();
      if (Object.hasOwn(members, key) && !isFree(free)) throw this.#error(`key ${JSON.stringify(key)} is repeated`);
      setMember(members, key, this.#value(below(free, key)));
    } while (this.#skips(COMMA));
    if (!this.#skips(CLOSE_BRACE)) throw this.#error('expected "}"');
    return this.#leave(members);
  }

  #key(): string {
    if (this.#skipWhitespace() !== QUOTE) throw this.#error('expected a key in quotes');
    const key = this.#string();
    if (!this.#skips(COLON)) throw this.#error('expected ":"');
    return key;
  }

  #array(free: Free): unknown[] {
    this.#enter();
    const items: unknown[] = [];
    if (this.#skips(CLOSE_BRACKET)) return this.#leave(items);
    // an array is never on the way to the free part
    const inside = isFree(free) ? free : undefined;
    do items.push(this.#value(inside));
    while (this.#skips(COMMA));
    if (!this.#skips(CLOSE_BRACKET)) throw this.#error('expected "]"');
    return this.#leave(items);
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#error(`nesting is deeper than ${MAX_DEPTH} levels`);
    this.#at += 1;
  }

  #leave<Value>(value: Value): Value {
    this.#depth -= 1;
    return value;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    let text = this.#plainText();
    while (this.#text.charCodeAt(this.#at) === BACKSLASH) {
      this.#at += 1;
      text += this.#escape();
      text += this.#plainText();
    }
    if (this.#text.charCodeAt(this.#at) !== QUOTE) {
      throw this.#error(this.#at < this.#text.length ? 'a control character in a string' : 'a string does not end');
    }
    this.#at += 1;
    if (!text.isWellFormed()) throw this.#error('a string with half of a surrogate pair', start);
    return text;
  }

  /** The part of a string up to its quote, a backslash, or a raw control character, which JSON forbids. */
  #plainText(): string {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE || unit === BACKSLASH || unit < SPACE) break;
    }
    this.#at = at;
    return text.slice(start, at);
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
    for (const [word, value] of LITERALS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    throw this.#error(this.#at < this.#text.length ? 'expected a value' : 'the text ends early');
  }

  /** Past white space and a mark, if that is what follows. */
  #skips(mark: number): boolean {
    if (this.#skipWhitespace() !== mark) return false;
    this.#at += 1;
    return true;
  }

  /** What follows, NaN at the end. */
  #skipWhitespace(): number {
    let unit = this.#text.charCodeAt(this.#at);
    while (unit === SPACE || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === TAB) {
      this.#at += 1;
      unit = this.#text.charCodeAt(this.#at);
    }
    return unit;
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

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
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
