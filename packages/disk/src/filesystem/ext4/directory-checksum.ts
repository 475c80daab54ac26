import { crc32c } from '../../crc32c.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './corrupt.ts';
import { has } from './features.ts';
import type { Inode } from './inode.ts';
import { DIRECTORY_TAIL_FILE_TYPE, DIRECTORY_TAIL_SIZE, INODE_FLAG } from './layout.ts';

const DX_ENTRY_SIZE = 8;
const DX_ROOT_COUNT = 0x20;
const DX_NODE_COUNT = 0x8;
const DOT_SIZE = 12;

/** @throws DiskError `corrupt` unless a block of a folder, leaf or hash tree, agrees with its checksum */
export function checkDirectoryBlock(inode: Inode, bytes: Uint8Array, offset: number): void {
  const seed = inode.checksumSeed;
  if (seed === undefined) return;
  const countAt = has(inode.flags, INODE_FLAG.INDEX) ? hashCountOffset(bytes) : undefined;
  const sums = countAt === undefined ? leafSums(bytes, seed) : hashSums(bytes, countAt, seed);
  if (sums === undefined) throw corrupt(`Cannot read folder in inode ${inode.number}: checksum is missing`, offset);
  if (sums.stored === sums.computed) return;
  const state = `checksum is ${hex(sums.stored)}, computed ${hex(sums.computed)}`;
  throw corrupt(`Cannot read folder in inode ${inode.number}: ${state}`, offset);
}

interface Sums {
  readonly stored: number;
  readonly computed: number;
}

function leafSums(bytes: Uint8Array, seed: number): Sums | undefined {
  const start = bytes.length - DIRECTORY_TAIL_SIZE;
  const tail = viewOf(bytes.subarray(start));
  const isTail =
    tail.getUint32(0, true) === 0 &&
    tail.getUint16(4, true) === DIRECTORY_TAIL_SIZE &&
    tail.getUint8(6) === 0 &&
    tail.getUint8(7) === DIRECTORY_TAIL_FILE_TYPE;
  if (!isTail) return undefined;
  return { stored: tail.getUint32(8, true), computed: crc32c(seed, bytes.subarray(0, start)) };
}

/** Where a block of a hash tree counts its entries; `undefined` for a leaf. */
function hashCountOffset(bytes: Uint8Array): number | undefined {
  const view = viewOf(bytes);
  const length = view.getUint16(4, true);
  // one unused entry that spans the block hides a node, a `..` that does so hides the root
  const whole = bytes.length === 65536 ? 65535 : bytes.length;
  if (view.getUint32(0, true) === 0 && length === whole) return DX_NODE_COUNT;
  const isRoot = length === DOT_SIZE && view.getUint16(DOT_SIZE + 4, true) === bytes.length - DOT_SIZE;
  return isRoot && view.getUint8(DOT_SIZE + 6) === 2 ? DX_ROOT_COUNT : undefined;
}

/** The entries in use are summed, then the tail that lies behind the last possible one. */
function hashSums(bytes: Uint8Array, countAt: number, seed: number): Sums | undefined {
  const view = viewOf(bytes);
  const tail = countAt + view.getUint16(countAt, true) * DX_ENTRY_SIZE;
  const used = countAt + view.getUint16(countAt + 2, true) * DX_ENTRY_SIZE;
  if (tail + DX_ENTRY_SIZE > bytes.length || used > tail) return undefined;
  const parts = [bytes.subarray(0, used), bytes.subarray(tail, tail + 4), new Uint8Array(4)];
  return { stored: view.getUint32(tail + 4, true), computed: parts.reduce(crc32c, seed) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
