import { readFields } from '../../../fields.ts';
import { corrupt } from '../corrupt.ts';
import { agreesWithItself, agreesWithSum, agreesWithTail, crc32be } from './checksum.ts';
import { BLOCK_TYPE, COMMIT, JOURNAL_HEADER, JOURNAL_MAGIC } from './layout.ts';
import type { JournalLog } from './log.ts';
import { tagsOf } from './tags.ts';

/** A transaction that was committed, by the blocks of the journal that it consists of. */
export interface Transaction {
  readonly sequence: number;
  /** Each is followed by copies of the blocks that it names. */
  readonly descriptors: readonly number[];
  readonly revokes: readonly number[];
}

/**
 * The transactions to replay, oldest first. The last one may be torn: what is not a block of the expected transaction, or was left by
 * an earlier round of the ring, ends the journal, as it does for the kernel.
 * @throws DiskError `corrupt` where the kernel would refuse to replay: a transaction was committed, and then damaged
 */
export function scanLog(log: JournalLog): Transaction[] {
  return new LogScan(log).transactions();
}

/** What a commit block says of its transaction. */
type Verdict = 'committed' | 'stale' | 'damaged';

class LogScan {
  readonly #log: JournalLog;
  #block: number;
  #sequence: number;
  #descriptors: number[] = [];
  #revokes: number[] = [];
  /** A descriptor or a record of revoked blocks did not agree with its checksum: the commit block tells why. */
  #isSuspect = false;
  /** What is read now is behind the last whole transaction. */
  #isTorn = false;
  #lastCommitted = 0n;
  #sum = 0xffffffff;

  constructor(log: JournalLog) {
    this.#log = log;
    this.#block = log.superblock.start;
    this.#sequence = log.superblock.sequence;
  }

  transactions(): Transaction[] {
    const { first, end } = this.#log.superblock;
    const found: Transaction[] = [];
    // no block of the ring is met twice, but for the one that ends it
    for (let left = end - first; left >= 0; ) {
      const bytes = this.#log.block(this.#block);
      const { h_magic: magic, h_blocktype: type, h_sequence: sequence } = readFields(bytes, JOURNAL_HEADER);
      if (magic !== JOURNAL_MAGIC || sequence !== this.#sequence) return found;
      if (type === BLOCK_TYPE.COMMIT) {
        const transaction = this.#finish(bytes);
        if (transaction === undefined) return found;
        if (!this.#isTorn) found.push(transaction);
      } else if (type === BLOCK_TYPE.REVOKE) this.#revoke(bytes);
      else if (type === BLOCK_TYPE.DESCRIPTOR) left -= this.#describe(bytes);
      else return found;
      this.#block = this.#log.after(this.#block);
      left -= 1;
    }
    throw this.#corrupt('it has no end');
  }

  /** @returns how many copies follow the descriptor */
  #describe(bytes: Uint8Array): number {
    const { superblock } = this.#log;
    if (!agreesWithTail(bytes, superblock)) this.#isSuspect = true;
    this.#descriptors.push(this.#block);
    const count = [...tagsOf(bytes, superblock)].length;
    if (superblock.checksums === 1) this.#sumUp(bytes, count);
    this.#block = this.#log.after(this.#block, count);
    return count;
  }

  #sumUp(descriptor: Uint8Array, count: number): void {
    this.#sum = crc32be(this.#sum, descriptor);
    for (let copy = 1; copy <= count; copy++) {
      this.#sum = crc32be(this.#sum, this.#log.block(this.#log.after(this.#block, copy)));
    }
  }

  #revoke(bytes: Uint8Array): void {
    if (!agreesWithTail(bytes, this.#log.superblock)) this.#isSuspect = true;
    this.#revokes.push(this.#block);
  }

  /** @returns the transaction that a commit block ends; `undefined` when the journal ends before it */
  #finish(commit: Uint8Array): Transaction | undefined {
    const { isAsync, checksums } = this.#log.superblock;
    if (this.#isTorn) throw this.#corrupt('transactions follow one that does not agree with its checksum');
    const verdict = this.#judge(commit);
    if (verdict === 'stale') return undefined;
    if (verdict === 'damaged') {
      if (!isAsync || this.#isSuspect)
        throw this.#corrupt(`transaction ${this.#sequence} does not agree with its checksums`);
      // asynchronous: a commit block may be written before what it commits, but then it is the last
      if (checksums !== 1) return undefined;
      this.#isTorn = true;
    }
    return this.#commit(commit);
  }

  #judge(commit: Uint8Array): Verdict {
    const { superblock } = this.#log;
    const agrees = superblock.checksums === 1 ? agreesWithSum(commit, this.#sum) : agreesWithItself(commit, superblock);
    if (agrees && !this.#isSuspect) return 'committed';
    return readFields(commit, COMMIT).h_commit_sec < this.#lastCommitted ? 'stale' : 'damaged';
  }

  #commit(bytes: Uint8Array): Transaction {
    const transaction = { sequence: this.#sequence, descriptors: this.#descriptors, revokes: this.#revokes };
    this.#lastCommitted = readFields(bytes, COMMIT).h_commit_sec;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#descriptors = [];
    this.#revokes = [];
    this.#sum = 0xffffffff;
    return transaction;
  }

  #corrupt(state: string) {
    return corrupt(`Cannot replay journal: ${state}`, this.#log.offsetOf(this.#block));
  }
}
