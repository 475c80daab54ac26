import { DiskError } from '../../../error.ts';
import type { OverlayWrite } from '../../../source/overlay-source.ts';
import { corrupt } from '../corrupt.ts';
import { agreesWithTag } from './checksum.ts';
import { JOURNAL_MAGIC } from './layout.ts';
import type { JournalLog } from './log.ts';
import type { Transaction } from './scan.ts';
import { revokedBlocks, type Tag, tagsOf } from './tags.ts';

/** More blocks than these, and their list alone would take too much memory. Linux makes no journal of a quarter of it. */
const MAX_BLOCKS = 2 ** 20;

/** The newest copy of a block: where in the journal it is. */
interface Copy {
  readonly block: number;
  readonly isEscaped: boolean;
}

/**
 * What transactions wrote, as writes over the filesystem in ascending order. They refer to the copies in the journal and do not hold them.
 * @param sizeBytes of the filesystem, within which all must lie
 * @throws DiskError `corrupt` when a copy does not agree with its checksum, or is of a block that is not there
 */
export function replayWrites(log: JournalLog, transactions: readonly Transaction[], sizeBytes: number): OverlayWrite[] {
  const copies = new Map<number, Copy>();
  const revoked = revokedIn(log, transactions);
  for (const transaction of transactions) {
    for (const descriptor of transaction.descriptors) {
      collect(log, { descriptor, sequence: transaction.sequence, revoked, copies, sizeBytes });
    }
  }
  return [...copies].sort(([one], [other]) => one - other).flatMap(([block, copy]) => writesOf(log, block, copy));
}

/** Every revoked block, and the last transaction that says so. */
function revokedIn(log: JournalLog, transactions: readonly Transaction[]): Map<number, number> {
  const revoked = new Map<number, number>();
  for (const { sequence, revokes } of transactions) {
    for (const record of revokes) {
      for (const block of revokedBlocks(log.block(record), log.superblock, log.offsetOf(record))) {
        revoked.set(block, sequence);
      }
    }
  }
  return revoked;
}

interface Collecting {
  readonly descriptor: number;
  readonly sequence: number;
  readonly revoked: ReadonlyMap<number, number>;
  readonly copies: Map<number, Copy>;
  readonly sizeBytes: number;
}

function collect(log: JournalLog, { descriptor, sequence, revoked, copies, sizeBytes }: Collecting): void {
  let block = descriptor;
  for (const tag of tagsOf(log.block(descriptor), log.superblock)) {
    block = log.after(block);
    const revoker = revoked.get(tag.block);
    if (revoker !== undefined && isNotAfter(sequence, revoker)) continue;
    check(log, tag, { block, sequence, sizeBytes });
    copies.set(tag.block, { block, isEscaped: tag.isEscaped });
    if (copies.size > MAX_BLOCKS) throw tooMany(log);
  }
}

/** Numbers of transactions wrap around. */
function isNotAfter(sequence: number, other: number): boolean {
  return ((sequence - other) | 0) <= 0;
}

function check(
  log: JournalLog,
  tag: Tag,
  { block, sequence, sizeBytes }: { readonly block: number; readonly sequence: number; readonly sizeBytes: number },
): void {
  const { superblock } = log;
  if ((tag.block + 1) * superblock.blockSize > sizeBytes) {
    throw corrupt(`Cannot replay journal: block ${tag.block} is not in the filesystem`, log.offsetOf(block));
  }
  // without checksums to compare with, the copies need not be read now
  if (superblock.checksums < 2 || agreesWithTag(log.block(block), tag, sequence, superblock)) return;
  const message = `Cannot replay journal: copy of block ${tag.block} does not agree with its checksum`;
  throw corrupt(message, log.offsetOf(block));
}

const ESCAPED_BYTES = 4;

function writesOf(log: JournalLog, block: number, copy: Copy): OverlayWrite[] {
  const { blockSize } = log.superblock;
  const start = block * blockSize;
  const from = log.offsetOf(copy.block);
  const end = start + blockSize;
  if (!copy.isEscaped) return [{ start, end, copiedFrom: from }];
  const magic = new Uint8Array(ESCAPED_BYTES);
  new DataView(magic.buffer).setUint32(0, JOURNAL_MAGIC);
  const rest = { start: start + ESCAPED_BYTES, end, copiedFrom: from + ESCAPED_BYTES };
  return [{ start, end: start + ESCAPED_BYTES, bytes: magic }, rest];
}

function tooMany(log: JournalLog): DiskError {
  const message = `Cannot replay journal: more than ${MAX_BLOCKS} blocks were changed`;
  return new DiskError('unsupported', message, { format: 'ext4', offset: log.offsetOf(0) });
}
