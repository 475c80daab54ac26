import { corrupt } from './error.ts';

const NOTHING = new Uint8Array(0);

/** Compressed bytes in the order in which they come, pulled as they are needed. `pull` returns `undefined` at the end. */
export class ByteInput {
  /** How many bytes were taken. */
  offset = 0;
  readonly #pull: () => Uint8Array | undefined;
  #held: Uint8Array = NOTHING;
  #at = 0;

  constructor(pull: () => Uint8Array | undefined) {
    this.#pull = pull;
  }

  static of(bytes: Uint8Array): ByteInput {
    const pieces = [bytes];
    return new ByteInput(() => pieces.pop());
  }

  isAtEnd(): boolean {
    while (this.#at === this.#held.length) {
      const next = this.#pull();
      if (next === undefined) return true;
      this.#held = next;
      this.#at = 0;
    }
    return false;
  }

  byte(): number {
    if (this.isAtEnd()) throw this.#ended();
    this.offset++;
    return this.#held[this.#at++] as number;
  }

  /** The next `count` bytes, whose number the caller has bounded. */
  take(count: number): Uint8Array {
    if (count <= this.#held.length - this.#at) return this.#takeHeld(count);
    const bytes = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      if (this.isAtEnd()) throw this.#ended();
      const piece = this.#takeHeld(Math.min(count - filled, this.#held.length - this.#at));
      bytes.set(piece, filled);
      filled += piece.length;
    }
    return bytes;
  }

  #takeHeld(count: number): Uint8Array {
    const piece = this.#held.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.offset += count;
    return piece;
  }

  #ended() {
    return corrupt('stream', 'it ends too early', this.offset);
  }
}
