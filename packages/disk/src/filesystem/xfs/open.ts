import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem } from '../file-system.ts';
import { countFreeBlocks } from './allocation-group.ts';
import { freeRanges } from './free-space.ts';
import { Inodes } from './inodes.ts';
import { applyLog } from './log/open-log.ts';
import { readSuperblock, type Superblock } from './superblock.ts';
import { XfsVolume } from './volume.ts';

/** @throws DiskError `corrupt`, or `unsupported` with the name of the feature that is not known */
export function openXfs(source: ByteSource): FileSystem {
  const log = applyLog(source, readSuperblock(source));
  // what was logged may have changed it
  const superblock = log.isDirty ? readSuperblock(log.source) : readSuperblock(source);
  const volume = new XfsVolume(log.source, superblock);
  const { label, uuid, blockCount, blockSize, isCaseSensitive } = superblock;
  // after a crash the superblock does not know, but the groups do
  const isCounted = !(log.isDirty && log.isApplied);
  return {
    type: 'xfs',
    label,
    uuid,
    sizeBytes: blockCount * blockSize,
    get freeBytes() {
      const freeBlocks = isCounted ? superblock.freeBlocks : countFreeBlocks(volume);
      return freeBlocks <= blockCount ? freeBlocks * blockSize : undefined;
    },
    isCaseSensitive,
    root: new Inodes(volume).root,
    // what is not replayed may be in what was free before
    ...(log.isApplied && { freeRanges: () => freeRanges(volume) }),
    warnings: [...log.warnings, ...warningsOf(superblock, source.sizeBytes)],
  };
}

function warningsOf({ blockCount, blockSize }: Superblock, imageBytes: number): string[] {
  return blockCount * blockSize > imageBytes ? [`truncated: the image ends at ${hex(imageBytes)}`] : [];
}
