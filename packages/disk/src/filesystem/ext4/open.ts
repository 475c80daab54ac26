import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem } from '../file-system.ts';
import { has } from './features.ts';
import { freeRanges } from './free-ranges.ts';
import { Inodes } from './inodes.ts';
import { recoverJournal } from './journal/recover.ts';
import { INCOMPAT, RO_COMPAT, STATE_ERROR, STATE_VALID } from './layout.ts';
import type { Superblock } from './superblock.ts';

/** @throws DiskError `corrupt`, or `unsupported` with the name of the feature that is not known */
export function openExt4(source: ByteSource): FileSystem {
  const { volume, changes, areBitmapsCurrent, warnings } = recoverJournal(source);
  const inodes = new Inodes(volume, changes);
  const { type, label, uuid, blockCount, blockSize, freeBlocks } = volume.superblock;
  return {
    type,
    label,
    uuid,
    sizeBytes: blockCount * blockSize,
    freeBytes: freeBlocks <= blockCount ? freeBlocks * blockSize : undefined,
    isCaseSensitive: true,
    root: inodes.root,
    ...(areBitmapsCurrent && { freeRanges: () => freeRanges(volume, inodes.groups) }),
    warnings: [...warnings, ...warningsOf(volume.superblock, source.sizeBytes)],
  };
}

function warningsOf(superblock: Superblock, imageBytes: number): string[] {
  const { features, state, errorCount, lastOrphan, blockCount, blockSize } = superblock;
  const isDirty = has(features.incompat, INCOMPAT.RECOVER);
  const hasOrphans = lastOrphan !== 0 || has(features.roCompat, RO_COMPAT.ORPHAN_PRESENT);
  const facts: readonly (readonly [holds: boolean, warning: string])[] = [
    [!isDirty && !has(state, STATE_VALID), 'not unmounted cleanly'],
    [has(state, STATE_ERROR), 'marked as having errors'],
    [errorCount > 0, `${errorCount} errors recorded`],
    [hasOrphans, 'deleted files were still in use: their space is not freed'],
    [blockCount * blockSize > imageBytes, `truncated: the image ends at ${hex(imageBytes)}`],
  ];
  return facts.filter(([holds]) => holds).map(([, warning]) => warning);
}
