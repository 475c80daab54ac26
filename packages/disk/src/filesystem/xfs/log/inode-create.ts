import { readFields } from '../../../fields.ts';
import { stampChecksum } from '../checksum.ts';
import { corrupt } from '../corrupt.ts';
import { BASIC_BLOCK, DI_CRC, DI_INO, DI_NEXT_UNLINKED, DI_UUID, INODE_MAGIC, NULL_BLOCK_32 } from '../layout.ts';
import type { ReplayTarget } from './inode-item.ts';
import { INODE_CREATE } from './layout.ts';
import type { LogItem } from './transactions.ts';

const DI_GEN = 0x5c;
/** A chunk of inodes; sparse ones have fewer. */
const MAX_INODES = 64 * 2;

/** Makes a chunk of inodes that none uses yet: their buffers were not logged, only that they came to be. */
export function replayInodeCreate({ target, superblock, cancelled }: ReplayTarget, { regions }: LogItem): void {
  const fields = readFields(regions[0] ?? new Uint8Array(), INODE_CREATE, { format: 'xfs' });
  const { icl_ag: group, icl_agbno: first, icl_count: count, icl_isize: size, icl_length: blocks } = fields;
  const { inodeSize, inodesPerBlock, blockSize, groupCount, groupBlocks, groupBlockBits } = superblock;
  const isRight = size === inodeSize && count === blocks * inodesPerBlock && count > 0 && count <= MAX_INODES;
  if (!isRight || group >= groupCount || first + blocks > groupBlocks) {
    throw corrupt(`Cannot replay log: ${count} new inodes in ${blocks} blocks from ${first} of group ${group}`, 0);
  }
  const offset = (group * groupBlocks + first) * blockSize;
  const clusterBytes = clusterBytesOf(superblock);
  for (let at = 0; at < blocks * blockSize; at += clusterBytes) {
    if (cancelled.has((offset + at) / BASIC_BLOCK, clusterBytes / BASIC_BLOCK)) return;
  }
  const bytes = new Uint8Array(blocks * blockSize);
  const firstNumber = (group * 2 ** groupBlockBits + first) * inodesPerBlock;
  for (let index = 0; index < count; index++) {
    const inode = bytes.subarray(index * inodeSize, (index + 1) * inodeSize);
    makeInode(inode, firstNumber + index, fields.icl_gen, superblock.metaUuid);
  }
  target.write(offset, bytes);
}

/** Inodes are read and written so many at a time. */
function clusterBytesOf({ inodeSize, blockSize }: ReplayTarget['superblock']): number {
  return Math.max(blockSize, 8192 * (inodeSize / 256));
}

function makeInode(inode: Uint8Array, number: number, generation: number, uuid: Uint8Array): void {
  const view = new DataView(inode.buffer, inode.byteOffset, inode.byteLength);
  view.setUint16(0, INODE_MAGIC);
  view.setUint8(4, 3);
  view.setUint32(DI_GEN, generation);
  view.setUint32(DI_NEXT_UNLINKED, NULL_BLOCK_32);
  view.setBigUint64(DI_INO, BigInt(number));
  inode.set(uuid, DI_UUID);
  stampChecksum(inode, DI_CRC);
}
