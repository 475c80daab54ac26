import { asFact, DiskError } from '../../../error.ts';
import type { ByteSource } from '../../../source/byte-source.ts';
import { OverlaySource } from '../../../source/overlay-source.ts';
import { has } from '../features.ts';
import { GroupDescriptors } from '../group-descriptors.ts';
import { readInode } from '../inode.ts';
import { COMPAT, INCOMPAT } from '../layout.ts';
import { Ext4Volume } from '../volume.ts';
import { holdsFastCommits } from './fast-commit.ts';
import { JournalLog } from './log.ts';
import { replayWrites } from './replay.ts';
import { scanLog } from './scan.ts';

/** A filesystem as it is after its journal was replayed, as far as that was possible. */
export interface Recovered {
  readonly volume: Ext4Volume;
  /** What was replayed, or why nothing was. */
  readonly warnings: readonly string[];
}

/**
 * Replays the journal in memory, as the kernel does when it mounts. A journal that cannot be replayed leaves the filesystem as it
 * lies on the disk, and a warning.
 */
export function recoverJournal(source: ByteSource): Recovered {
  const volume = new Ext4Volume(source);
  if (!has(volume.superblock.features.incompat, INCOMPAT.RECOVER)) return { volume, warnings: [] };
  try {
    return recover(source, volume);
  } catch (error) {
    const reason = asFact(error).message;
    return { volume, warnings: [`journal not replayed: the newest changes may be missing: ${reason}`] };
  }
}

function recover(source: ByteSource, volume: Ext4Volume): Recovered {
  const log = openLog(volume);
  // an empty journal: the filesystem was in use, and all that was committed is in its place
  if (log.superblock.start === 0) return { volume, warnings: ['not unmounted cleanly: its journal is empty'] };
  const transactions = scanLog(log);
  const replayed = new OverlaySource(source, replayWrites(log, transactions, source.sizeBytes));
  const count = transactions.length === 1 ? '1 transaction' : `${transactions.length} transactions`;
  const warnings = [`not unmounted cleanly: journal replayed, ${count}`];
  if (holdsFastCommits(log, (log.superblock.sequence + transactions.length) >>> 0)) {
    warnings.push('fast commits not replayed: the newest changes may be missing');
  }
  return { volume: new Ext4Volume(replayed), warnings };
}

function openLog(volume: Ext4Volume): JournalLog {
  const { features, journalInode } = volume.superblock;
  if (!has(features.compat, COMPAT.HAS_JOURNAL)) throw unsupported('there is none');
  if (journalInode === 0) throw unsupported('it is on another device');
  return new JournalLog(volume, readInode(volume, new GroupDescriptors(volume), journalInode));
}

function unsupported(state: string): DiskError {
  return new DiskError('unsupported', `Cannot replay journal: ${state}`, { format: 'ext4' });
}
