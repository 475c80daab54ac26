import { crc32c } from '../../crc32c.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './corrupt.ts';
import { BASIC_BLOCK, type SelfDescription } from './layout.ts';
import type { Superblock } from './superblock.ts';

const ZEROS = new Uint8Array(4);

/** CRC-32C of a structure, with zeros where it is kept itself. */
export function checksumOf(bytes: Uint8Array, crc: number): number {
  const before = crc32c(crc32c(0xffffffff, bytes.subarray(0, crc)), ZEROS);
  return ~crc32c(before, bytes.subarray(crc + 4)) >>> 0;
}

/** Writes the checksum that belongs to a structure into it: little-endian, unlike all else. */
export function stampChecksum(bytes: Uint8Array, crc: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(crc, checksumOf(bytes, crc), true);
}

/** Where a block of metadata was found, and whose it should be. */
export interface BlockPlace {
  /** What it is, for errors: `folder in inode 131`. */
  readonly what: string;
  /** In the filesystem. */
  readonly offset: number;
  readonly owner?: number;
}

/** @throws DiskError `corrupt` unless a block of version 5 is whole, in its place, of this filesystem and of its owner */
export function checkSelf(superblock: Superblock, bytes: Uint8Array, self: SelfDescription, place: BlockPlace): void {
  if (superblock.version < 5) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ensure = (field: string, at: number, stored: number, expected: number) => {
    if (stored === expected) return;
    const state = `${field} is ${hex(stored)}, expected ${hex(expected)}`;
    throw corrupt(`Cannot read ${place.what}: ${state}`, place.offset + at);
  };
  ensure('checksum', self.crc, view.getUint32(self.crc, true), checksumOf(bytes, self.crc));
  if (!isOf(superblock, bytes, self.uuid)) {
    throw corrupt(`Cannot read ${place.what}: it belongs to another filesystem`, place.offset + self.uuid);
  }
  if (self.blkno !== undefined) ensure('blkno', self.blkno, wide(view, self.blkno), place.offset / BASIC_BLOCK);
  if (self.owner !== undefined && place.owner !== undefined) {
    ensure('owner', self.owner, wide(view, self.owner), place.owner);
  }
}

/** Whether metadata carries the UUID of a filesystem. */
export function isOf({ metaUuid }: Superblock, bytes: Uint8Array, at: number): boolean {
  return Buffer.compare(metaUuid, bytes.subarray(at, at + 16)) === 0;
}

function wide(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}
