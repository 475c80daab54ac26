import { stampChecksum } from '../checksum.ts';
import { DI_CRC, INODE_MAGIC, SUPERBLOCK_SELF, SUPERBLOCK_SIZE } from '../layout.ts';
import { selfOf } from '../log/self-of.ts';

/** A structure with a checksum. */
export interface CheckedPart {
  readonly start: number;
  readonly end: number;
  /** Where in it the checksum is. */
  readonly crc: number;
}

/** Every block of metadata and every inode in an image of version 5. */
export function* checkedParts(bytes: Uint8Array, blockSize: number, inodeSize: number): Generator<CheckedPart> {
  if (bytes.length >= SUPERBLOCK_SIZE) yield { start: 0, end: SUPERBLOCK_SIZE, crc: SUPERBLOCK_SELF.crc };
  for (let start = 0; start + blockSize <= bytes.length; start += blockSize) {
    const end = start + blockSize;
    const self = selfOf(bytes.subarray(start, end));
    if (self !== undefined && self !== SUPERBLOCK_SELF) yield { start, end, crc: self.crc };
    for (let inode = start; inode < end; inode += inodeSize) {
      const magic = ((bytes[inode] as number) << 8) | (bytes[inode + 1] as number);
      if (magic === INODE_MAGIC) yield { start: inode, end: inode + inodeSize, crc: DI_CRC };
    }
  }
}

/** Gives them all the checksum they should have: what was damaged is read then, not told by it. */
export function sealAll(bytes: Uint8Array, blockSize: number, inodeSize: number): Uint8Array {
  for (const { start, end, crc } of checkedParts(bytes, blockSize, inodeSize)) {
    stampChecksum(bytes.subarray(start, end), crc);
  }
  return bytes;
}
