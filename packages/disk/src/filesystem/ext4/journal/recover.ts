import { lazy } from '../../../lazy.ts';
import type { ByteSource } from '../../../source/byte-source.ts';
import { has } from '../features.ts';
import { INCOMPAT } from '../layout.ts';
import { Ext4Volume } from '../volume.ts';
import type { FastCommitChanges } from './fast-commit/changes.ts';

const replay = lazy<typeof import('./replay-journal.ts')>(import.meta, './replay-journal.ts');

/** A filesystem as it is after its journal was replayed, as far as that was possible. */
export interface Recovered {
  readonly volume: Ext4Volume;
  /** What fast commits make of it. */
  readonly changes?: FastCommitChanges;
  /** Whether what the bitmaps call free is free: nothing that is not yet in them was committed. */
  readonly areBitmapsCurrent: boolean;
  /** What was replayed, or why nothing was. */
  readonly warnings: readonly string[];
}

/**
 * Replays the journal in memory, as the kernel does when it mounts. A journal that cannot be replayed leaves the filesystem as it
 * lies on the disk, and a warning.
 */
export function recoverJournal(source: ByteSource): Recovered {
  const volume = new Ext4Volume(source);
  if (!has(volume.superblock.features.incompat, INCOMPAT.RECOVER))
    return { volume, areBitmapsCurrent: true, warnings: [] };
  return replay().replayJournal(source, volume);
}
