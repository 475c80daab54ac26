import { DiskError } from '../error.ts';

/** Numbers from 0 up to, not including, a bound: the same ones for the same seed. */
export type Random = (bound: number) => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (bound) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const TELLING = [0, 1, 0x7f, 0x80, 0xff];

/** Changes a few bytes, mostly where `hot` says that structures are, and now and then cuts the end off. */
export function mutate(
  bytes: Uint8Array,
  hot: readonly (readonly [start: number, end: number])[],
  random: Random,
): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let count = 1 + random(6); count > 0; count--) {
    const [start, end] = random(5) === 0 ? [0, copy.length] : (hot[random(hot.length)] ?? [0, copy.length]);
    const value = random(2) === 0 ? (TELLING[random(TELLING.length)] ?? 0) : random(256);
    copy[start + random(end - start)] = value;
  }
  return random(20) === 0 ? copy.subarray(0, random(copy.length)) : copy;
}

/** Runs what reads an image. @returns `undefined`, or how it ended other than well or in a DiskError */
export function misbehaviour(read: () => void): unknown {
  try {
    read();
  } catch (error) {
    return error instanceof DiskError ? undefined : error;
  }
  return undefined;
}
