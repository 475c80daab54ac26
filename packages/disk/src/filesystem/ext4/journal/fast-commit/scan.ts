import { crc32c } from '../../../../crc32c.ts';
import { DiskError } from '../../../../error.ts';
import { readFields } from '../../../../fields.ts';
import { hex } from '../../../../hex.ts';
import { corrupt } from '../../corrupt.ts';
import { GOOD_OLD_INODE_SIZE } from '../../layout.ts';
import type { JournalLog } from '../log.ts';
import {
  ADD_RANGE_SIZE,
  DEL_RANGE_SIZE,
  DENTRY_NAME,
  HEAD,
  HEAD_SIZE,
  INODE_RECORD_RAW,
  MAX_NAME_BYTES,
  RECORD_HEADER,
  RECORD_HEADER_SIZE,
  RECORD_TAG,
  TAIL,
  TAIL_CRC,
  TAIL_SIZE,
} from './layout.ts';

/** One change, checked only for its length. */
export interface FastCommitRecord {
  readonly tag: number;
  readonly value: Uint8Array;
  /** Where it is in the filesystem, for errors. */
  readonly offset: number;
}

/** What was recorded after the last transaction. */
export interface FastCommits {
  readonly count: number;
  /** The changes of all of them, in their order. */
  readonly records: readonly FastCommitRecord[];
}

/** Four times what fits into the blocks that mke2fs sets aside. */
const MAX_RECORDS = 2 ** 17;

/**
 * The fast commits to replay. The last one may be torn: what does not agree with its checksum, or belongs to another
 * transaction, ends them, as it does for the kernel.
 * @param sequence the transaction that would have come next
 * @throws DiskError `corrupt` where the kernel would refuse to replay: already the first one is damaged
 */
export function scanFastCommits(log: JournalLog, sequence: number, inodeSize: number): FastCommits {
  return new FastCommitScan(log, sequence, inodeSize).commits();
}

/** Whether the record that follows is still to be looked at. */
type Verdict = 'goes on' | 'ends' | 'damaged';

class FastCommitScan {
  readonly #log: JournalLog;
  readonly #sequence: number;
  readonly #inodeSize: number;
  readonly #records: FastCommitRecord[] = [];
  #count = 0;
  /** How many of the records belong to whole fast commits. */
  #committed = 0;
  #sum = 0;

  constructor(log: JournalLog, sequence: number, inodeSize: number) {
    this.#log = log;
    this.#sequence = sequence;
    this.#inodeSize = inodeSize;
  }

  commits(): FastCommits {
    const { fastCommitStart, fastCommitEnd } = this.#log.superblock;
    for (let block = fastCommitStart; block < fastCommitEnd; block++) {
      const bytes = this.#log.block(block);
      if (block === fastCommitStart && readFields(bytes, RECORD_HEADER).fc_tag !== RECORD_TAG.HEAD) break;
      const verdict = this.#read(bytes, this.#log.offsetOf(block));
      if (verdict === 'damaged' && this.#count === 0) {
        throw corrupt('Cannot replay fast commits: the first is damaged', this.#log.offsetOf(block));
      }
      if (verdict !== 'goes on') break;
    }
    return { count: this.#count, records: this.#records.slice(0, this.#committed) };
  }

  #read(block: Uint8Array, offset: number): Verdict {
    let verdict: Verdict = 'goes on';
    for (let position = 0; verdict === 'goes on' && position + RECORD_HEADER_SIZE <= block.length; ) {
      const { fc_tag: tag, fc_len: length } = readFields(block.subarray(position), RECORD_HEADER);
      const end = position + RECORD_HEADER_SIZE + length;
      if (end > block.length || !isLength(tag, length, this.#inodeSize)) return 'damaged';
      verdict = this.#take(tag, block.subarray(position, end), offset + position);
      position = end;
    }
    return verdict;
  }

  #take(tag: number, bytes: Uint8Array, offset: number): Verdict {
    const value = bytes.subarray(RECORD_HEADER_SIZE);
    if (tag === RECORD_TAG.TAIL) return this.#finish(bytes, value);
    if (tag === RECORD_TAG.HEAD && !this.#isExpected(value, offset)) return 'ends';
    this.#sum = crc32c(this.#sum, bytes);
    if (tag === RECORD_TAG.HEAD || tag === RECORD_TAG.PAD) return 'goes on';
    this.#records.push({ tag, value, offset });
    if (this.#records.length > MAX_RECORDS) throw unsupported(`there are more than ${MAX_RECORDS} changes`, offset);
    return 'goes on';
  }

  #isExpected(value: Uint8Array, offset: number): boolean {
    const { fc_features, fc_tid } = readFields(value, HEAD);
    if (fc_features !== 0) throw unsupported(`unknown feature ${hex(fc_features)}`, offset);
    return fc_tid === this.#sequence;
  }

  #finish(bytes: Uint8Array, value: Uint8Array): Verdict {
    const { fc_tid, fc_crc } = readFields(value, TAIL);
    const computed = crc32c(this.#sum, bytes.subarray(0, RECORD_HEADER_SIZE + TAIL_CRC));
    if (fc_tid !== this.#sequence || fc_crc !== computed) return 'damaged';
    this.#sum = 0;
    this.#count += 1;
    this.#committed = this.#records.length;
    return 'goes on';
  }
}

/** Whether a value can have a length; false for what is no tag. */
function isLength(tag: number, length: number, inodeSize: number): boolean {
  const [least, most] = lengthsOf(tag, inodeSize);
  return length >= least && length <= most;
}

const NO_LENGTH = [1, 0] as const;

function lengthsOf(tag: number, inodeSize: number): readonly [least: number, most: number] {
  const lengths: Readonly<Record<number, readonly [number, number]>> = {
    [RECORD_TAG.ADD_RANGE]: [ADD_RANGE_SIZE, ADD_RANGE_SIZE],
    [RECORD_TAG.DEL_RANGE]: [DEL_RANGE_SIZE, DEL_RANGE_SIZE],
    [RECORD_TAG.CREAT]: [DENTRY_NAME + 1, DENTRY_NAME + MAX_NAME_BYTES],
    [RECORD_TAG.LINK]: [DENTRY_NAME + 1, DENTRY_NAME + MAX_NAME_BYTES],
    [RECORD_TAG.UNLINK]: [DENTRY_NAME + 1, DENTRY_NAME + MAX_NAME_BYTES],
    [RECORD_TAG.INODE]: [INODE_RECORD_RAW + GOOD_OLD_INODE_SIZE, INODE_RECORD_RAW + inodeSize],
    [RECORD_TAG.PAD]: [0, Number.POSITIVE_INFINITY],
    [RECORD_TAG.TAIL]: [TAIL_SIZE, Number.POSITIVE_INFINITY],
    [RECORD_TAG.HEAD]: [HEAD_SIZE, HEAD_SIZE],
  };
  return lengths[tag] ?? NO_LENGTH;
}

function unsupported(state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot replay fast commits: ${state}`, { format: 'ext4', offset });
}
