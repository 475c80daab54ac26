// XXH64 with seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). Words of 64 bits are kept as two halves of 32, which is
// much quicker than bigint.

// low half, high half
const PRIME_1 = [0x85ebca87, 0x9e3779b1] as const;
const PRIME_2 = [0x27d4eb4f, 0xc2b2ae3d] as const;
const PRIME_3 = [0x9e3779f9, 0x165667b1] as const;
const PRIME_4 = [0xc2b2ae63, 0x85ebca77] as const;
const PRIME_5 = [0x165667c5, 0x27d4eb2f] as const;
const LANES = 4;
const STRIPE = 32;

/** The hash, as btrfs stores it: little-endian. */
export function xxhash64(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state = new Word();
  let at = 0;
  if (bytes.length >= STRIPE) at = mixStripes(view, state);
  else state.set(PRIME_5[0], PRIME_5[1]);
  state.add(bytes.length, 0);
  mixTail(view, at, state);
  avalanche(state);
  return state.toBytes();
}

/** 64 bits that change in place: nothing is allocated in the loops. */
class Word {
  low = 0;
  high = 0;

  set(low: number, high: number): void {
    this.low = low | 0;
    this.high = high | 0;
  }

  add(low: number, high: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
    this.low = sum | 0;
  }

  xor(low: number, high: number): void {
    this.low ^= low;
    this.high ^= high;
  }

  /** The low half of the product, by halves of 16 bits where a carry can come about. */
  multiply(low: number, high: number): void {
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    const bottom = a0 * b0;
    const middle = a1 * b0 + (bottom >>> 16);
    const other = a0 * b1 + (middle & 0xffff);
    // the products of 16 bits are below 2^32, and so is each sum: 65535 * 65535 + 65535 is
    const top = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
    this.high = (top + Math.imul(this.low, high) + Math.imul(this.high, low)) | 0;
    this.low = ((other & 0xffff) << 16) | (bottom & 0xffff);
  }

  /** To the left, by 1 to 31 bits. */
  rotate(bits: number): void {
    const { low, high } = this;
    this.low = (low << bits) | (high >>> (32 - bits));
    this.high = (high << bits) | (low >>> (32 - bits));
  }

  /** Combines the word with itself moved to the right. */
  foldRight(bits: number): void {
    const { low, high } = this;
    if (bits >= 32) {
      this.low = low ^ (high >>> (bits - 32));
      return;
    }
    this.low = low ^ ((low >>> bits) | (high << (32 - bits)));
    this.high = high ^ (high >>> bits);
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, this.low, true);
    view.setInt32(4, this.high, true);
    return bytes;
  }
}

function mixStripes(view: DataView, state: Word): number {
  const lanes = Array.from({ length: LANES }, () => new Word());
  const [first, second, , fourth] = lanes as [Word, Word, Word, Word];
  first.set(...PRIME_1);
  first.add(...PRIME_2);
  second.set(...PRIME_2);
  fourth.set(0, 0);
  subtract(fourth, PRIME_1);
  let at = 0;
  for (; at + STRIPE <= view.byteLength; at += STRIPE) {
    for (let lane = 0; lane < LANES; lane++) round(lanes[lane] as Word, view, at + lane * 8);
  }
  for (const [index, bits] of [1, 7, 12, 18].entries()) {
    const turned = copyOf(lanes[index] as Word);
    turned.rotate(bits);
    state.add(turned.low, turned.high);
  }
  for (const lane of lanes) mergeLane(state, lane);
  return at;
}

function round(word: Word, view: DataView, at: number): void {
  INPUT.set(view.getInt32(at, true), view.getInt32(at + 4, true));
  INPUT.multiply(PRIME_2[0], PRIME_2[1]);
  word.add(INPUT.low, INPUT.high);
  word.rotate(31);
  word.multiply(PRIME_1[0], PRIME_1[1]);
}

/** Used anew in each round. */
const INPUT = new Word();

function mergeLane(state: Word, lane: Word): void {
  const word = copyOf(lane);
  scramble(word);
  state.xor(word.low, word.high);
  state.multiply(...PRIME_1);
  state.add(...PRIME_4);
}

/** A round that starts from zero. */
function scramble(word: Word): void {
  word.multiply(...PRIME_2);
  word.rotate(31);
  word.multiply(...PRIME_1);
}

/** What is behind the last whole stripe: by 8 bytes, then 4, then one. */
function mixTail(view: DataView, start: number, state: Word): void {
  const word = new Word();
  let at = start;
  for (; at + 8 <= view.byteLength; at += 8) {
    word.set(view.getInt32(at, true), view.getInt32(at + 4, true));
    scramble(word);
    fold(state, word, { bits: 27, factor: PRIME_1, term: PRIME_4 });
  }
  if (at + 4 <= view.byteLength) {
    word.set(view.getInt32(at, true), 0);
    word.multiply(...PRIME_1);
    fold(state, word, { bits: 23, factor: PRIME_2, term: PRIME_3 });
    at += 4;
  }
  for (; at < view.byteLength; at++) {
    word.set(view.getUint8(at), 0);
    word.multiply(...PRIME_5);
    fold(state, word, { bits: 11, factor: PRIME_1, term: [0, 0] });
  }
}

interface Fold {
  readonly bits: number;
  readonly factor: readonly [number, number];
  readonly term: readonly [number, number];
}

function fold(state: Word, word: Word, { bits, factor, term }: Fold): void {
  state.xor(word.low, word.high);
  state.rotate(bits);
  state.multiply(...factor);
  state.add(...term);
}

function avalanche(state: Word): void {
  state.foldRight(33);
  state.multiply(...PRIME_2);
  state.foldRight(29);
  state.multiply(...PRIME_3);
  state.foldRight(32);
}

function subtract(word: Word, [low, high]: readonly [number, number]): void {
  word.add(~low, ~high);
  word.add(1, 0);
}

function copyOf({ low, high }: Word): Word {
  const copy = new Word();
  copy.set(low, high);
  return copy;
}
