import { asFact, DiskError } from '../../../error.ts';
import type { ByteSource } from '../../../source/byte-source.ts';
import { OverlaySource } from '../../../source/overlay-source.ts';
import { has } from '../features.ts';
import { GroupDescriptors } from '../group-descriptors.ts';
import { readInode } from '../inode.ts';
import { COMPAT } from '../layout.ts';
import { Ext4Volume } from '../volume.ts';
import { replayFastCommits } from './fast-commit/replay.ts';
import { scanFastCommits } from './fast-commit/scan.ts';
import { JournalLog } from './log.ts';
import type { Recovered } from './recover.ts';
import { replayWrites } from './replay.ts';
import { scanLog } from './scan.ts';

/** The filesystem with what its journal says; as it was, and a warning, where that cannot be replayed. */
export function replayJournal(source: ByteSource, volume: Ext4Volume): Recovered {
  try {
    return recover(source, volume);
  } catch (error) {
    const warning = `journal not replayed: ${missing(error)}`;
    return { volume, areBitmapsCurrent: false, warnings: [warning] };
  }
}

function recover(source: ByteSource, volume: Ext4Volume): Recovered {
  const log = openLog(volume);
  // an empty journal: the filesystem was in use, and all that was committed is in its place
  if (log.superblock.start === 0) {
    return { volume, areBitmapsCurrent: true, warnings: ['not unmounted cleanly: its journal is empty'] };
  }
  const transactions = scanLog(log);
  const replayed = new Ext4Volume(new OverlaySource(source, replayWrites(log, transactions, source.sizeBytes)));
  const warning = `not unmounted cleanly: journal replayed, ${counted(transactions.length, 'transaction')}`;
  return withFastCommits(log, replayed, { next: (log.superblock.sequence + transactions.length) >>> 0, warning });
}

/** @param next the transaction that would have come next, in whose place fast commits are */
function withFastCommits(
  log: JournalLog,
  volume: Ext4Volume,
  { next, warning }: { readonly next: number; readonly warning: string },
): Recovered {
  try {
    const { count, records } = scanFastCommits(log, next, volume.superblock.inodeSize);
    if (count === 0) return { volume, areBitmapsCurrent: true, warnings: [warning] };
    const changes = replayFastCommits(volume, records);
    return { volume, changes, areBitmapsCurrent: false, warnings: [`${warning} and ${counted(count, 'fast commit')}`] };
  } catch (error) {
    const warnings = [warning, `fast commits not replayed: ${missing(error)}`];
    return { volume, areBitmapsCurrent: false, warnings };
  }
}

function missing(error: unknown): string {
  return `the newest changes may be missing: ${asFact(error).message}`;
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
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
