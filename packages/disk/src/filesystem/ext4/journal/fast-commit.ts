import { readFields } from '../../../fields.ts';
import { FAST_COMMIT_HEAD, FAST_COMMIT_TAG_HEAD } from './layout.ts';
import type { JournalLog } from './log.ts';

/**
 * Whether changes were recorded after the last transaction, in the blocks behind the ring that are for that.
 * @param sequence the transaction that would have come next
 */
export function holdsFastCommits(log: JournalLog, sequence: number): boolean {
  if (!log.superblock.hasFastCommits) return false;
  // the kernel leaves one block between
  const { fc_tag, fc_tid } = readFields(log.block(log.superblock.end + 1), FAST_COMMIT_HEAD);
  return fc_tag === FAST_COMMIT_TAG_HEAD && fc_tid === sequence;
}
