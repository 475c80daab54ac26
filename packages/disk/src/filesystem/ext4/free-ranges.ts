import { crc32c } from '../../crc32c.ts';
import { hex } from '../../hex.ts';
import { bitRun } from '../../image/bit-run.ts';
import type { ByteRange } from '../file-system.ts';
import { corrupt } from './corrupt.ts';
import { has } from './features.ts';
import { copyBlocks, type GroupDescriptor, type GroupDescriptors } from './group-descriptors.ts';
import { BG_BLOCK_UNINIT, RO_COMPAT } from './layout.ts';
import type { Superblock } from './superblock.ts';
import type { Ext4Volume } from './volume.ts';

/** Consecutive free blocks. */
interface FreeRun {
  readonly first: number;
  readonly end: number;
}

/**
 * What no file and no structure of the filesystem is in, by the bitmaps of its groups.
 * @throws DiskError `corrupt` when a bitmap does not agree with its checksum
 */
export function* freeRanges(volume: Ext4Volume, groups: GroupDescriptors): Generator<ByteRange> {
  const { blockSize } = volume.superblock;
  let pending: FreeRun | undefined;
  for (const run of freeRuns(volume, groups)) {
    // runs go on from group to group
    if (pending?.end === run.first) pending = { first: pending.first, end: run.end };
    else {
      if (pending !== undefined) yield rangeOf(pending, blockSize);
      pending = run;
    }
  }
  if (pending !== undefined) yield rangeOf(pending, blockSize);
}

function rangeOf({ first, end }: FreeRun, blockSize: number): ByteRange {
  return { offset: first * blockSize, length: (end - first) * blockSize };
}

function* freeRuns(volume: Ext4Volume, groups: GroupDescriptors): Generator<FreeRun> {
  const { superblock } = volume;
  const hasFlags = has(superblock.features.roCompat, RO_COMPAT.GDT_CSUM | RO_COMPAT.METADATA_CSUM);
  for (let group = 0; group < superblock.groupCount; group++) {
    const descriptor = groups.descriptor(group);
    const isUnwritten = hasFlags && has(descriptor.flags, BG_BLOCK_UNINIT);
    const bitmap = isUnwritten ? initialBitmap(superblock, group, descriptor) : readBitmap(volume, group, descriptor);
    yield* runsIn(bitmap, superblock, group);
  }
}

function* runsIn(bitmap: Uint8Array, superblock: Superblock, group: number): Generator<FreeRun> {
  const { blockCount } = superblock;
  const perCluster = blocksPerCluster(superblock);
  const start = firstBlock(superblock, group);
  const clusters = Math.ceil((Math.min(start + superblock.blocksPerGroup, blockCount) - start) / perCluster);
  for (let cluster = 0; cluster < clusters; ) {
    const { isSet, count } = bitRun(bitmap, cluster, clusters, 'low-first');
    const end = cluster + count;
    if (!isSet) yield { first: start + cluster * perCluster, end: Math.min(start + end * perCluster, blockCount) };
    cluster = end;
  }
}

function readBitmap(volume: Ext4Volume, group: number, descriptor: GroupDescriptor): Uint8Array {
  const bitmap = volume.block(descriptor.blockBitmap);
  const { checksumSeed, blocksPerGroup } = volume.superblock;
  if (checksumSeed === undefined) return bitmap;
  const used = bitmap.subarray(0, blocksPerGroup / blocksPerCluster(volume.superblock) / 8);
  const computed = crc32c(checksumSeed, used) & (descriptor.isShort ? 0xffff : 0xffffffff);
  if (computed >>> 0 === descriptor.blockBitmapChecksum) return bitmap;
  const state = `checksum is ${hex(descriptor.blockBitmapChecksum)}, computed ${hex(computed >>> 0)}`;
  throw corrupt(`Cannot read bitmap of blocks of group ${group}: ${state}`, volume.offsetOf(descriptor.blockBitmap));
}

/** Of a group in which nothing was ever allocated: what it keeps of itself is all that is taken. */
function initialBitmap(superblock: Superblock, group: number, descriptor: GroupDescriptor): Uint8Array {
  const { inodesPerGroup, inodeSize, blockSize, blocksPerGroup } = superblock;
  const bitmap = new Uint8Array(blockSize);
  const start = firstBlock(superblock, group);
  const perCluster = blocksPerCluster(superblock);
  const take = (first: number, count: number) => {
    for (let block = Math.max(first, start); block < Math.min(first + count, start + blocksPerGroup); block++) {
      const cluster = Math.floor((block - start) / perCluster);
      bitmap[cluster >> 3] = (bitmap[cluster >> 3] ?? 0) | (1 << (cluster & 7));
    }
  };
  take(start, copyBlocks(superblock, group));
  take(descriptor.blockBitmap, 1);
  take(descriptor.inodeBitmap, 1);
  take(descriptor.inodeTable, Math.ceil((inodesPerGroup * inodeSize) / blockSize));
  return bitmap;
}

function firstBlock({ firstDataBlock, blocksPerGroup }: Superblock, group: number): number {
  return firstDataBlock + group * blocksPerGroup;
}

function blocksPerCluster({ clusterSize, blockSize }: Superblock): number {
  return clusterSize / blockSize;
}
