const PROBABILITY_BITS = 11;
const ADAPTATION_SHIFT = 5;
/** Below this, the range takes in another byte. */
const SMALLEST_RANGE = 2 ** 24;

/** A probability of one half. */
export const EVEN = 2 ** (PROBABILITY_BITS - 1);
/** What a range-coded run begins with: a byte of zero and the first four bytes of the code. */
export const RANGE_PROLOGUE_SIZE = 5;

/**
 * Tells bits apart by how probable each was said to be. Numbers are kept as signed 32-bit ones, which an engine stores without
 * boxing, and compared as unsigned ones. Past the end of its input it sees zeros: whoever runs it checks `isSpent`.
 */
export class RangeDecoder {
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  #range = 0;
  #code = 0;

  /** @returns whether the prologue is a right one */
  begin(input: Uint8Array): boolean {
    if (input.length < RANGE_PROLOGUE_SIZE || input[0] !== 0) return false;
    this.#input = input;
    this.#range = -1;
    this.#code = new DataView(input.buffer, input.byteOffset).getInt32(1);
    this.#at = RANGE_PROLOGUE_SIZE;
    return true;
  }

  /** Whether exactly the input was used, and the code ended as a writer ends it. */
  isSpent(): boolean {
    return this.#at === this.#input.length && this.#code === 0;
  }

  /** Whether it went past its input. */
  isOverdrawn(): boolean {
    return this.#at > this.#input.length;
  }

  bit(probabilities: Uint16Array, index: number): number {
    const probability = probabilities[index] as number;
    const bound = Math.imul(this.#range >>> PROBABILITY_BITS, probability);
    if (this.#code >>> 0 < bound >>> 0) {
      this.#range = bound;
      probabilities[index] = probability + ((2 * EVEN - probability) >> ADAPTATION_SHIFT);
      if (bound >>> 0 < SMALLEST_RANGE) this.#refill();
      return 0;
    }
    this.#range = (this.#range - bound) | 0;
    this.#code = (this.#code - bound) | 0;
    probabilities[index] = probability - (probability >> ADAPTATION_SHIFT);
    if (this.#range >>> 0 < SMALLEST_RANGE) this.#refill();
    return 1;
  }

  /**
   * A number of `bits` bits, the highest first, whose probabilities form a tree. Most of the time goes here and into
   * `agreeingTree`: both repeat `bit` on local variables, which is twice as fast.
   */
  tree(probabilities: Uint16Array, base: number, bits: number): number {
    let range = this.#range;
    let code = this.#code;
    let node = 1;
    for (let count = bits; count > 0; count--) {
      const index = base + node;
      const probability = probabilities[index] as number;
      const bound = Math.imul(range >>> PROBABILITY_BITS, probability);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probabilities[index] = probability + ((2 * EVEN - probability) >> ADAPTATION_SHIFT);
        node <<= 1;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probabilities[index] = probability - (probability >> ADAPTATION_SHIFT);
        node = (node << 1) | 1;
      }
      if (range >>> 0 < SMALLEST_RANGE) {
        range <<= 8;
        code = (code << 8) | this.#next();
      }
    }
    this.#range = range;
    this.#code = code;
    return node - (1 << bits);
  }

  /** A byte that differs from an expected one: while its bits agree with that one's, they have probabilities of their own. */
  agreeingTree(probabilities: Uint16Array, base: number, expectedByte: number): number {
    let range = this.#range;
    let code = this.#code;
    let expected = expectedByte;
    let agreeing = 0x100;
    let node = 1;
    while (node < 0x100) {
      expected <<= 1;
      const index = base + agreeing + (expected & agreeing) + node;
      const probability = probabilities[index] as number;
      const bound = Math.imul(range >>> PROBABILITY_BITS, probability);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probabilities[index] = probability + ((2 * EVEN - probability) >> ADAPTATION_SHIFT);
        node <<= 1;
        agreeing &= ~expected;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probabilities[index] = probability - (probability >> ADAPTATION_SHIFT);
        node = (node << 1) | 1;
        agreeing &= expected;
      }
      if (range >>> 0 < SMALLEST_RANGE) {
        range <<= 8;
        code = (code << 8) | this.#next();
      }
    }
    this.#range = range;
    this.#code = code;
    return node & 0xff;
  }

  /** The same, the lowest bit first. */
  reverseTree(probabilities: Uint16Array, base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let index = 0; index < bits; index++) {
      const bit = this.bit(probabilities, base + node);
      node = (node << 1) | bit;
      value |= bit << index;
    }
    return value;
  }

  /** Bits that are as often one as zero. */
  direct(bits: number): number {
    let range = this.#range;
    let code = this.#code;
    let value = 0;
    for (let count = bits; count > 0; count--) {
      range >>>= 1;
      code = (code - range) | 0;
      const isZero = code >> 31;
      code = (code + (range & isZero)) | 0;
      value = (value << 1) + isZero + 1;
      if (range < SMALLEST_RANGE) {
        range <<= 8;
        code = (code << 8) | this.#next();
      }
    }
    this.#range = range | 0;
    this.#code = code;
    return value;
  }

  #refill(): void {
    this.#range <<= 8;
    this.#code = (this.#code << 8) | this.#next();
  }

  #next(): number {
    const at = this.#at++;
    return at < this.#input.length ? (this.#input[at] as number) : 0;
  }
}
