const WORD_BITS = 16;
/** The reader is ahead of what is used, by as much as it may hold; more is behind the end. */
const MOST_AHEAD_BYTES = 4;

/** Bits as Xpress and LZX have them: from the high end of little-endian words, and whole bytes between those words. */
export class WordBits {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #bits = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next word is read from. */
  get position(): number {
    return this.#at;
  }

  /** More was used than there is; what is behind the end reads as zeros. */
  get isOverrun(): boolean {
    return this.#at > this.#bytes.length + MOST_AHEAD_BYTES;
  }

  /** Holds at least 16 bits, so that the next bytes are those behind them. */
  fill(): void {
    if (this.#bits >= WORD_BITS) return;
    this.#held = ((this.#held << WORD_BITS) | this.u16()) >>> 0;
    this.#bits += WORD_BITS;
  }

  /** The next bits, at most 16, without using them. */
  peek(count: number): number {
    this.fill();
    return (this.#held >>> (this.#bits - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#bits -= count;
  }

  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** A byte from behind the words that are held. */
  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  u16(): number {
    return this.byte() | (this.byte() << 8);
  }

  u32(): number {
    return this.u16() + this.u16() * 2 ** WORD_BITS;
  }

  /** Drops what is left of the word that the next bit is in. */
  align(): void {
    this.peek(1);
    // the word behind it has not been used
    if (this.#bits > WORD_BITS) this.#at -= 2;
    this.#bits = 0;
  }

  /** `length` bytes from behind the words that are held, or as many as there are. */
  take(length: number): Uint8Array {
    const start = Math.min(this.#at, this.#bytes.length);
    this.#at += length;
    return this.#bytes.subarray(start, start + length);
  }
}
