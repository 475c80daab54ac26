import { STRETCH_ITERATIONS } from './layout.ts';

/**
 * The key that a password or a recovery key stands for: SHA-256 over and over of a block that holds the last digest, the first one,
 * a salt, and a count. In JavaScript, because it is twice as fast as to call the one of OpenSSL a million times.
 */
export function stretchKey(initial: Uint8Array, salt: Uint8Array, iterations: number = STRETCH_ITERATIONS): Uint8Array {
  // a message of 88 bytes is two blocks: the digests, then salt, count, a bit, and the length in bits
  const digests = new Int32Array(16);
  const rest = new Int32Array(16);
  digests.set(bigEndianWords(initial), 8);
  rest.set(bigEndianWords(salt));
  rest[6] = 0x80000000 | 0;
  rest[15] = 88 * 8;
  const state = new Int32Array(8);
  for (let count = 0; count < iterations; count++) {
    // little-endian in a message of big-endian words; the upper half stays zero
    rest[4] = swapped(count);
    compress(INITIAL_STATE, digests, state);
    // the next digest goes where the last one was
    compress(state, rest, digests);
  }
  return bigEndianBytes(digests.subarray(0, 8));
}

const PRIMES = firstPrimes(64);
/** FIPS 180-4: the first bits of the fractions of roots of primes. */
const INITIAL_STATE = Int32Array.from(PRIMES.slice(0, 8), (prime) => fractionOf(Math.sqrt(prime)));
const CONSTANTS = Int32Array.from(PRIMES, (prime) => fractionOf(Math.cbrt(prime)));
const schedule = new Int32Array(64);

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

function fractionOf(value: number): number {
  return ((value % 1) * 2 ** 32) | 0;
}

/**
 * The compression function of SHA-256 (FIPS 180-4, section 6.2.2), of which the first words of `result` become the state. Rotations are
 * written out: calls cost too much here.
 */
function compress(state: Int32Array, block: Int32Array, result: Int32Array): void {
  const w = schedule;
  for (let t = 0; t < 16; t++) w[t] = block[t] as number;
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const small0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const small1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = ((w[t - 16] as number) + (w[t - 7] as number) + small0 + small1) | 0;
  }
  const [s0, s1, s2, s3] = [state[0] as number, state[1] as number, state[2] as number, state[3] as number];
  const [s4, s5, s6, s7] = [state[4] as number, state[5] as number, state[6] as number, state[7] as number];
  let [a, b, c, d, e, f, g, h] = [s0, s1, s2, s3, s4, s5, s6, s7];
  for (let t = 0; t < 64; t++) {
    const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + big1 + ((e & f) ^ (~e & g)) + (CONSTANTS[t] as number) + (w[t] as number)) | 0;
    const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  result[0] = s0 + a;
  result[1] = s1 + b;
  result[2] = s2 + c;
  result[3] = s3 + d;
  result[4] = s4 + e;
  result[5] = s5 + f;
  result[6] = s6 + g;
  result[7] = s7 + h;
}

function bigEndianWords(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Int32Array.from({ length: bytes.length / 4 }, (_, word) => view.getInt32(word * 4));
}

function bigEndianBytes(words: Int32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setInt32(index * 4, word);
  });
  return bytes;
}

function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
