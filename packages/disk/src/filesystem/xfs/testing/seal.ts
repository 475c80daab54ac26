import { stampChecksum } from '../checksum.ts';
import { DI_CRC, INODE_MAGIC, SUPERBLOCK_SELF } from '../layout.ts';
import { selfOf } from '../log/self-of.ts';

/** Gives every block of metadata and every inode in an image its checksum: what was damaged is read then, not told by it. */
export function sealAll(bytes: Uint8Array, blockSize: number, inodeSize: number): Uint8Array {
  for (let at = 0; at + blockSize <= bytes.length; at += blockSize) {
    const block = bytes.subarray(at, at + blockSize);
    const self = selfOf(block);
    if (self !== undefined && self !== SUPERBLOCK_SELF) stampChecksum(block, self.crc);
    for (let inode = at; inode < at + blockSize; inode += inodeSize) {
      if (((bytes[inode] ?? 0) << 8) + (bytes[inode + 1] ?? 0) !== INODE_MAGIC) continue;
      stampChecksum(bytes.subarray(inode, inode + inodeSize), DI_CRC);
    }
  }
  if (bytes.length >= 512) stampChecksum(bytes.subarray(0, 512), SUPERBLOCK_SELF.crc);
  return bytes;
}
