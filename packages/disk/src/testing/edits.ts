import type { Random } from './mutation.ts';

/** Bytes that take the place of those at an offset. */
export interface Edit {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export type Range = readonly [start: number, end: number];

/** What is changed, and where its structures are. */
export interface Ground {
  readonly bytes: Uint8Array;
  /** Ranges that a reader looked at: a change anywhere else is rarely seen. */
  readonly hot: readonly Range[];
  /** Images of the same kind, to take pieces from. */
  readonly others: readonly Uint8Array[];
}

/** Applies edits in order. @returns those that undo them, in the order to apply */
export function applyEdits(target: Uint8Array, edits: readonly Edit[]): readonly Edit[] {
  const undo = edits.map(({ at, bytes }): Edit => {
    const before = Uint8Array.from(target.subarray(at, at + bytes.length));
    target.set(bytes.subarray(0, before.length), at);
    return { at, bytes: before };
  });
  return undo.reverse();
}

/** One change of a kind that damaged and hostile images have. */
export function randomEdit(ground: Ground, random: Random): Edit {
  return pick(MUTATIONS, random)(ground, random);
}

/** How long an image of so many bytes becomes: mostly as it was, now and then cut, or longer by up to `slack`. */
export function randomLength(sizeBytes: number, slack: number, random: Random): number {
  const choice = random(40);
  if (choice === 0) return random(sizeBytes);
  if (choice === 1) return sizeBytes - 1 - random(Math.min(sizeBytes, 1024));
  return choice === 2 ? sizeBytes + random(slack) : sizeBytes;
}

type Mutation = (ground: Ground, random: Random) => Edit;

const BLOCKS = [16, 512, 1024, 4096];
const INTERESTING = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn];
const LARGE = [1n << 32n, 1n << 40n, 1n << 52n, 1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n];

/** A line each for what changes; a line more makes a kind more frequent. */
const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  setByte,
  (ground, random) => setWord(ground, random, pick([...INTERESTING, ...LARGE], random)),
  (ground, random) => changeWord(ground, random, (value) => value + BigInt(random(33) - 16)),
  // the inflated length: what says how much follows, says more
  (ground, random) => changeWord(ground, random, (value) => value << BigInt(1 + random(16))),
  (ground, random) => changeWord(ground, random, (value) => value ^ (1n << BigInt(random(64)))),
  copyWord,
  shiftBytes,
  digits,
  copyBlock,
  fillBlock,
  splice,
];

function flipBit({ bytes, hot }: Ground, random: Random): Edit {
  const at = place(bytes, hot, random);
  return { at, bytes: Uint8Array.of((bytes[at] ?? 0) ^ (1 << random(8))) };
}

function setByte({ bytes, hot }: Ground, random: Random): Edit {
  const at = place(bytes, hot, random);
  return { at, bytes: Uint8Array.of(random(2) === 0 ? random(256) : pick([0, 1, 0x7f, 0x80, 0xff], random)) };
}

function setWord(ground: Ground, random: Random, value: bigint): Edit {
  return changeWord(ground, random, () => value);
}

/** A number of 16, 32 or 64 bits, in either byte order, at a multiple of its width. */
function changeWord({ bytes, hot }: Ground, random: Random, change: (value: bigint) => bigint): Edit {
  const width = pick([2, 4, 4, 8], random);
  const at = aligned(place(bytes, hot, random), width);
  const word = Uint8Array.from({ length: width }, (_, index) => bytes[at + index] ?? 0);
  const isBig = random(2) === 0;
  const read = (isBig ? word : word.toReversed()).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const value = BigInt.asUintN(width * 8, change(read));
  const changed = word.map((_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
  return { at, bytes: isBig ? changed.reverse() : changed };
}

/** A number from elsewhere: what pointed on points back. */
function copyWord({ bytes, hot }: Ground, random: Random): Edit {
  const width = pick([4, 8], random);
  const from = aligned(place(bytes, hot, random), width);
  const at = aligned(place(bytes, hot, random), width);
  return { at, bytes: Uint8Array.from(bytes.subarray(from, from + width)) };
}

/** Puts bytes in, or leaves some out, so that what follows is not where it was, up to some distance. */
function shiftBytes({ bytes, hot }: Ground, random: Random): Edit {
  const at = place(bytes, hot, random);
  const piece = Uint8Array.from(bytes.subarray(at, at + pick([32, 256, 2048], random)));
  const by = 1 + random(16);
  piece.copyWithin(random(2) === 0 ? by : 0, random(2) === 0 ? 0 : by);
  return { at, bytes: piece };
}

/** Text holds its numbers as digits. */
function digits({ bytes, hot }: Ground, random: Random): Edit {
  const start = place(bytes, hot, random);
  const found = bytes.subarray(start, start + 256).findIndex((byte) => byte >= 0x30 && byte <= 0x39);
  const at = found === -1 ? start : start + found;
  return { at, bytes: Buffer.from(pick(['9', '0', '-1', '99', '1e9', '0x9', '4294967296', '99999999999'], random)) };
}

function copyBlock({ bytes, hot }: Ground, random: Random): Edit {
  const size = pick(BLOCKS, random);
  const from = aligned(place(bytes, hot, random), size);
  const at = aligned(place(bytes, hot, random), size);
  return { at, bytes: Uint8Array.from(bytes.subarray(from, from + size)) };
}

function fillBlock({ bytes, hot }: Ground, random: Random): Edit {
  const size = pick(BLOCKS, random);
  return {
    at: aligned(place(bytes, hot, random), size),
    bytes: new Uint8Array(size).fill(pick([0, 0xff, random(256)], random)),
  };
}

/** A piece of another image of the same kind, from the same place. */
function splice({ bytes, hot, others }: Ground, random: Random): Edit {
  const size = pick(BLOCKS, random);
  const at = aligned(place(bytes, hot, random), size);
  return { at, bytes: Uint8Array.from(pick(others, random).subarray(at, at + size)) };
}

/** Mostly where a reader looked, and there mostly where something is. */
function place(bytes: Uint8Array, hot: readonly Range[], random: Random): number {
  if (hot.length === 0 || random(12) === 0) return random(bytes.length);
  const [start, end] = pick(hot, random);
  for (let tries = 0; tries < 4; tries++) {
    const at = start + random(end - start);
    if (bytes[at] !== 0) return at;
  }
  return start + random(end - start);
}

function aligned(offset: number, size: number): number {
  return offset - (offset % size);
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[random(items.length)] as Item;
}
