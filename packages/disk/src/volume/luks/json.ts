import { corrupt } from './error.ts';

/** A value of the metadata of LUKS2 and where it stands: what is not as the specification says is an error that names it. */
export class JsonReader {
  /** Of the metadata, in bytes from the start of the volume. */
  readonly offset: number;
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, offset: number, path = '') {
    this.#value = value;
    this.offset = offset;
    this.#path = path;
  }

  /** A member that must be there. */
  object(name: string): JsonReader {
    return this.optional(name) ?? this.#refuse(`it has no "${name}"`);
  }

  optional(name: string): JsonReader | undefined {
    const record = this.#record();
    return Object.hasOwn(record, name) ? this.#member(name, record[name]) : undefined;
  }

  entries(): readonly { readonly name: string; readonly reader: JsonReader }[] {
    return Object.entries(this.#record()).map(([name, value]) => ({ name, reader: this.#member(name, value) }));
  }

  text(): string {
    return typeof this.#value === 'string' ? this.#value : this.#refuse('expected text');
  }

  isText(text: string): boolean {
    return this.#value === text;
  }

  texts(): readonly string[] {
    const isList = Array.isArray(this.#value) && this.#value.every((item) => typeof item === 'string');
    return isList ? (this.#value as readonly string[]) : this.#refuse('expected a list of texts');
  }

  /** A whole number from 0 on. */
  number(most: number): number {
    const value = this.#value;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
    return this.#refuse(`expected a whole number up to ${most}`);
  }

  /** A 64-bit number, which the format writes as text. */
  decimal(most: number): number {
    const text = this.text();
    if (/^\d{1,20}$/.test(text) && Number(text) <= most) return Number(text);
    return this.#refuse(`expected a decimal number up to ${most}`);
  }

  base64(mostBytes: number): Uint8Array {
    const bytes = Buffer.from(this.text(), 'base64');
    return bytes.length > 0 && bytes.length <= mostBytes
      ? bytes
      : this.#refuse(`expected up to ${mostBytes} bytes in base64`);
  }

  #record(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    return this.#refuse('expected an object');
  }

  #member(name: string, value: unknown): JsonReader {
    return new JsonReader(value, this.offset, this.#path === '' ? name : `${this.#path}.${name}`);
  }

  #refuse(state: string): never {
    throw corrupt(`metadata "${this.#path}"`, state, this.offset);
  }
}
