import type { WordBits } from './word-bits.ts';

const MOST_BITS = 16;
/** Codes up to this length are found at once. */
const TABLE_BITS = 10;

/** A prefix code that is given by the lengths of its codes: the shorter come first, and those of a length in order of symbols. */
export class CanonicalCode {
  readonly #symbols: Uint16Array;
  /** By the next bits: a symbol and the length of its code, or 0 when that is longer. */
  readonly #table = new Uint16Array(1 << TABLE_BITS);
  readonly #counts: Uint16Array;

  /** @returns `undefined` when there are more codes than bits can tell apart */
  static of(lengths: Uint8Array): CanonicalCode | undefined {
    const counts = new Uint16Array(MOST_BITS + 1);
    for (const length of lengths) counts[length] = (counts[length] as number) + 1;
    counts[0] = 0;
    let room = 1;
    for (let bits = 1; bits <= MOST_BITS; bits++) {
      room = room * 2 - (counts[bits] as number);
      if (room < 0) return undefined;
    }
    return new CanonicalCode(lengths, counts);
  }

  private constructor(lengths: Uint8Array, counts: Uint16Array) {
    this.#counts = counts;
    this.#symbols = new Uint16Array(counts.reduce((total, count) => total + count, 0));
    this.#sort(lengths);
    this.#fillTable();
  }

  /** The symbol of the next code; `undefined` when no code begins like that. */
  read(bits: WordBits): number | undefined {
    const next = bits.peek(MOST_BITS);
    const known = this.#table[next >> (MOST_BITS - TABLE_BITS)] as number;
    if (known === 0) return this.#readLong(bits, next);
    bits.skip(known & 0xf);
    return known >> 4;
  }

  #readLong(bits: WordBits, next: number): number | undefined {
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MOST_BITS; length++) {
      const count = this.#counts[length] as number;
      const code = next >> (MOST_BITS - length);
      if (code < first + count) {
        bits.skip(length);
        return this.#symbols[index + code - first];
      }
      index += count;
      first = (first + count) << 1;
    }
    return undefined;
  }

  #sort(lengths: Uint8Array): void {
    const places = new Uint16Array(MOST_BITS + 2);
    for (let bits = 1; bits <= MOST_BITS; bits++) {
      places[bits + 1] = (places[bits] as number) + (this.#counts[bits] as number);
    }
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol] as number;
      if (length === 0) continue;
      const place = places[length] as number;
      places[length] = place + 1;
      this.#symbols[place] = symbol;
    }
  }

  #fillTable(): void {
    let at = 0;
    let index = 0;
    for (let length = 1; length <= TABLE_BITS; length++) {
      const width = 1 << (TABLE_BITS - length);
      for (let count = this.#counts[length] as number; count > 0; count--) {
        this.#table.fill(((this.#symbols[index++] as number) << 4) | length, at, at + width);
        at += width;
      }
    }
  }
}
