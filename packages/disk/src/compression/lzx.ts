import { DiskError } from '../error.ts';
import { CanonicalCode } from './canonical-code.ts';
import { undoE8 } from './lzx-calls.ts';
import { copyMatch } from './match.ts';
import { WordBits } from './word-bits.ts';

// LZX as WIM archives and WOF have it, with a window of 32 KiB: each chunk stands for itself
const CHUNK_BYTES = 32 * 1024;
const LITERALS = 256;
const DISTANCE_SLOTS = 30;
const MAIN_SYMBOLS = LITERALS + DISTANCE_SLOTS * 8;
const LENGTH_SYMBOLS = 249;
const ALIGNED_SYMBOLS = 8;
const PRE_SYMBOLS = 20;
const BLOCK = { VERBATIM: 1, ALIGNED: 2, STORED: 3 } as const;
const SHORTEST_MATCH = 2;
const LONG_LENGTH = 7;
/** The first slots are for the distances last used. */
const RECENT_SLOTS = 3;
/** Lengths of codes are told as differences to those before, modulo this. */
const LENGTH_MODULUS = 17;

/** Distances begin at these, and have so many bits more. */
const EXTRA_BITS = Array.from({ length: DISTANCE_SLOTS }, (_, slot) => Math.max(0, (slot >> 1) - 1));
const SLOT_BASES = EXTRA_BITS.map((_, slot) => EXTRA_BITS.slice(0, slot).reduce((sum, bits) => sum + 2 ** bits, 0));

/**
 * Unpacks a chunk of LZX to `sizeBytes`, at most 32 KiB.
 * @throws DiskError `corrupt`, with the offset in what is packed
 */
export function decodeLzx(packed: Uint8Array, sizeBytes: number): Uint8Array {
  if (sizeBytes > CHUNK_BYTES) throw new RangeError(`Cannot unpack ${sizeBytes} bytes at once, expected at most 32768`);
  const chunk = new Chunk(packed, sizeBytes);
  while (!chunk.isWhole) chunk.readBlock();
  return undoE8(chunk.bytes);
}

interface Codes {
  readonly main: CanonicalCode;
  readonly length: CanonicalCode;
  readonly aligned: CanonicalCode | undefined;
}

class Chunk {
  readonly bytes: Uint8Array;
  readonly #bits: WordBits;
  readonly #mainLengths = new Uint8Array(MAIN_SYMBOLS);
  readonly #lengthLengths = new Uint8Array(LENGTH_SYMBOLS);
  #recent: [number, number, number] = [1, 1, 1];
  #at = 0;

  constructor(packed: Uint8Array, sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#bits = new WordBits(packed);
  }

  get isWhole(): boolean {
    return this.#at === this.bytes.length;
  }

  readBlock(): void {
    const type = this.#bits.read(3);
    const size = this.#bits.read(1) === 1 ? CHUNK_BYTES : this.#bits.read(16);
    const end = this.#at + size;
    if (size === 0 || end > this.bytes.length) {
      throw this.#corrupt(`a block of ${size} bytes after ${this.#at} of ${this.bytes.length}`);
    }
    if (type === BLOCK.STORED) this.#copyStored(size);
    else if (type === BLOCK.VERBATIM || type === BLOCK.ALIGNED) this.#unpack(this.#readCodes(type), end);
    else throw this.#corrupt(`a block of type ${type}`);
  }

  #copyStored(size: number): void {
    this.#bits.align();
    this.#recent = [this.#bits.u32(), this.#bits.u32(), this.#bits.u32()];
    const stored = this.#bits.take(size);
    if (stored.length < size) throw this.#corrupt(`a block of ${size} bytes is cut`);
    this.bytes.set(stored, this.#at);
    this.#at += size;
    if (size % 2 === 1) this.#bits.byte();
  }

  #readCodes(type: number): Codes {
    const alignedLengths = Uint8Array.from({ length: type === BLOCK.ALIGNED ? ALIGNED_SYMBOLS : 0 }, () =>
      this.#bits.read(3),
    );
    const aligned = type === BLOCK.ALIGNED ? this.#code(alignedLengths) : undefined;
    this.#readLengths(this.#mainLengths.subarray(0, LITERALS));
    this.#readLengths(this.#mainLengths.subarray(LITERALS));
    this.#readLengths(this.#lengthLengths);
    return { aligned, main: this.#code(this.#mainLengths), length: this.#code(this.#lengthLengths) };
  }

  /** Changes lengths from those of the block before. */
  #readLengths(lengths: Uint8Array): void {
    const code = this.#code(Uint8Array.from({ length: PRE_SYMBOLS }, () => this.#bits.read(4)));
    for (let at = 0; at < lengths.length; ) {
      const symbol = this.#symbol(code);
      const run = Math.min(this.#runOf(symbol), lengths.length - at);
      const change = symbol === 19 ? this.#symbol(code) : symbol;
      const isZero = symbol === 17 || symbol === 18;
      if (!isZero && change >= LENGTH_MODULUS) throw this.#corrupt('lengths of codes that are none');
      const before = lengths[at] as number;
      lengths.fill(isZero ? 0 : (before - change + LENGTH_MODULUS) % LENGTH_MODULUS, at, at + run);
      at += run;
    }
  }

  /** How many lengths a symbol is about: many zeros, several alike, or one. */
  #runOf(symbol: number): number {
    if (symbol === 17) return 4 + this.#bits.read(4);
    if (symbol === 18) return 20 + this.#bits.read(5);
    return symbol === 19 ? 4 + this.#bits.read(1) : 1;
  }

  #unpack(codes: Codes, end: number): void {
    while (this.#at < end) {
      const symbol = this.#symbol(codes.main);
      if (symbol < LITERALS) this.bytes[this.#at++] = symbol;
      else this.#copyMatch(codes, symbol - LITERALS, end);
    }
  }

  #copyMatch(codes: Codes, symbol: number, end: number): void {
    const short = symbol & 7;
    const length = SHORTEST_MATCH + short + (short === LONG_LENGTH ? this.#symbol(codes.length) : 0);
    const distance = this.#distance(codes, symbol >> 3);
    if (this.#at + length > end || !copyMatch(this.bytes, this.#at, distance, length)) {
      throw this.#corrupt(`a match of ${length} bytes ${distance} back after ${this.#at} of ${end}`);
    }
    this.#at += length;
  }

  #distance(codes: Codes, slot: number): number {
    const [first, second, third] = this.#recent;
    if (slot >= RECENT_SLOTS) {
      const distance = (SLOT_BASES[slot] as number) + this.#extraBits(codes, EXTRA_BITS[slot] as number) - 2;
      this.#recent = [distance, first, second];
      return distance;
    }
    if (slot === 1) this.#recent = [second, first, third];
    if (slot === 2) this.#recent = [third, second, first];
    return this.#recent[0];
  }

  /** The last three bits have a code of their own in blocks that are aligned. */
  #extraBits({ aligned }: Codes, count: number): number {
    if (aligned === undefined || count < 3) return count === 0 ? 0 : this.#bits.read(count);
    const high = count === 3 ? 0 : this.#bits.read(count - 3);
    return high * 8 + this.#symbol(aligned);
  }

  #symbol(code: CanonicalCode): number {
    const symbol = code.read(this.#bits);
    if (symbol === undefined || this.#bits.isOverrun) throw this.#corrupt('a code that is none');
    return symbol;
  }

  #code(lengths: Uint8Array): CanonicalCode {
    const code = CanonicalCode.of(lengths);
    if (code === undefined) throw this.#corrupt('a code has more symbols than its lengths allow');
    return code;
  }

  #corrupt(state: string): DiskError {
    return new DiskError('corrupt', `Cannot unpack LZX: ${state}`, { format: 'lzx', offset: this.#bits.position });
  }
}
