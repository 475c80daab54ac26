// BLAKE2b (RFC 7693) with 32 bytes of output and no key. Words of 64 bits are pairs of 32: low at 2n, high at 2n + 1.

const BLOCK = 128;
const OUTPUT = 32;
const ROUNDS = 12;
const INITIAL = Uint32Array.of(
  ...[0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a],
  ...[0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19],
);
// output length, no key, one leaf, one level
const PARAMETERS = 0x01010000 ^ OUTPUT;

/** The order of the words of a block in each round; the last two rounds are the first two again. */
const ORDERS = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
/** Columns, then diagonals, of the four by four words that are mixed. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];
/** All steps of all rounds, flat: four places in the state and two words of the block, as places of low halves. */
const STEPS = Uint8Array.from(
  Array.from({ length: ROUNDS }, (_, round) =>
    QUARTERS.flatMap((quarter, step) => {
      const order = ORDERS[round % ORDERS.length] ?? [];
      return [...quarter, order[step * 2] ?? 0, order[step * 2 + 1] ?? 0].map((word) => word * 2);
    }),
  ).flat(),
);

export function blake2b256(bytes: Uint8Array): Uint8Array {
  const hash = Uint32Array.from(INITIAL);
  hash[0] = (hash[0] as number) ^ PARAMETERS;
  const state = new Uint32Array(32);
  const last = bytes.length === 0 ? 0 : Math.ceil(bytes.length / BLOCK) - 1;
  for (let block = 0; block <= last; block++) {
    const end = Math.min((block + 1) * BLOCK, bytes.length);
    compress(hash, state, { words: wordsOf(bytes, block * BLOCK, end), counter: end, isLast: block === last });
  }
  return new Uint8Array(hash.buffer.slice(0, OUTPUT));
}

interface Block {
  readonly words: Uint32Array;
  /** Bytes up to its end. */
  readonly counter: number;
  readonly isLast: boolean;
}

/** A copy, with zeros behind the end. Machines that Node runs on are little-endian. */
function wordsOf(bytes: Uint8Array, start: number, end: number): Uint32Array {
  const block = new Uint8Array(BLOCK);
  block.set(bytes.subarray(start, end));
  return new Uint32Array(block.buffer);
}

function compress(hash: Uint32Array, state: Uint32Array, { words, counter, isLast }: Block): void {
  state.set(hash);
  state.set(INITIAL, 16);
  state[24] = (state[24] as number) ^ counter;
  state[25] = (state[25] as number) ^ Math.floor(counter / 2 ** 32);
  if (isLast) {
    state[28] = ~(state[28] as number);
    state[29] = ~(state[29] as number);
  }
  for (let at = 0; at < STEPS.length; at += 6) mix(state, words, at);
  for (let index = 0; index < 16; index++) {
    hash[index] = (hash[index] as number) ^ (state[index] as number) ^ (state[index + 16] as number);
  }
}

function mix(state: Uint32Array, words: Uint32Array, step: number): void {
  const a = STEPS[step] as number;
  const b = STEPS[step + 1] as number;
  const c = STEPS[step + 2] as number;
  const d = STEPS[step + 3] as number;
  add(state, a, state[b] as number, state[b + 1] as number);
  addWord(state, a, words, STEPS[step + 4] as number);
  // to the right by 32 bits: the halves change places
  const low = (state[d] as number) ^ (state[a] as number);
  state[d] = (state[d + 1] as number) ^ (state[a + 1] as number);
  state[d + 1] = low;
  add(state, c, state[d] as number, state[d + 1] as number);
  turn(state, b, c, 24);
  add(state, a, state[b] as number, state[b + 1] as number);
  addWord(state, a, words, STEPS[step + 5] as number);
  turn(state, d, a, 16);
  add(state, c, state[d] as number, state[d + 1] as number);
  // to the right by 63 bits is to the left by one
  const mixedLow = (state[b] as number) ^ (state[c] as number);
  const mixedHigh = (state[b + 1] as number) ^ (state[c + 1] as number);
  state[b] = (mixedLow << 1) | (mixedHigh >>> 31);
  state[b + 1] = (mixedHigh << 1) | (mixedLow >>> 31);
}

function add(state: Uint32Array, at: number, low: number, high: number): void {
  const sum = (state[at] as number) + low;
  state[at] = sum;
  state[at + 1] = (state[at + 1] as number) + high + (sum > 0xffffffff ? 1 : 0);
}

function addWord(state: Uint32Array, at: number, words: Uint32Array, word: number): void {
  add(state, at, words[word] as number, words[word + 1] as number);
}

/** Combines a word with another one and turns it to the right, by fewer than 32 bits. */
function turn(state: Uint32Array, at: number, other: number, bits: number): void {
  const low = (state[at] as number) ^ (state[other] as number);
  const high = (state[at + 1] as number) ^ (state[other + 1] as number);
  state[at] = (low >>> bits) | (high << (32 - bits));
  state[at + 1] = (high >>> bits) | (low << (32 - bits));
}
