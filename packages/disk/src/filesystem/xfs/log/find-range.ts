import { DiskError } from '../../../error.ts';
import { corrupt } from '../corrupt.ts';
import { BASIC_BLOCK } from '../layout.ts';
import { MAX_RECORD_BYTES, MAX_RECORDS_IN_FLIGHT } from './layout.ts';
import type { LogBlocks } from './log-blocks.ts';
import { isUnmount, type RecordHeader, readContent, readHeader } from './record.ts';

const RECORD_BLOCKS = MAX_RECORD_BYTES / BASIC_BLOCK;
const IN_FLIGHT_BLOCKS = MAX_RECORDS_IN_FLIGHT * RECORD_BLOCKS;

/** The records that are to be replayed, in blocks of the ring; `undefined` when the log is clean. */
export interface LogRange {
  readonly tail: number;
  readonly head: number;
}

/**
 * Finds the records that are not yet known to be where they belong, as the kernel does.
 * @param isChecked whether records have checksums that count: since version 5
 */
export function findRange(log: LogBlocks, isChecked: boolean): LogRange | undefined {
  const guess = findHead(log);
  if (guess === undefined || isCleanAt(log, guess.head)) return undefined;
  const head = wholeRecords(log, confirmHead(log, guess)) % log.count;
  if (isCleanAt(log, head)) return undefined;
  const range = withoutTornHead(log, { head, tail: tailOf(log, recordBefore(log, head)) }, isChecked);
  if (range.head === range.tail || isCleanAt(log, range.head)) return undefined;
  return withoutOverwrittenTail(log, range, isChecked);
}

interface HeadGuess {
  /** Behind the last block that was written. */
  readonly head: number;
  /** The round that blocks before the head must not be of. */
  readonly stale: number;
}

/** Rounds go up to the head, and there one back: a search by halves finds the place, unless writes were lost. */
function findHead(log: LogBlocks): HeadGuess | undefined {
  const first = log.cycle(0);
  const last = log.cycle(log.count - 1);
  // not even mkfs leaves a log without a record
  if (first === 0) return undefined;
  if (first === last) return { head: log.count, stale: last - 1 };
  return { head: firstOfCycle(log, last), stale: last };
}

/** The first block of the round that the last block is of; a log not yet full ends in blocks of round 0. */
function firstOfCycle(log: LogBlocks, cycle: number): number {
  let low = 0;
  let high = log.count - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (log.cycle(middle) === cycle) high = middle;
    else low = middle;
  }
  return high;
}

/** Records may reach the disk in another order than they were written: the head is where the first of them is missing. */
function confirmHead(log: LogBlocks, { head, stale }: HeadGuess): number {
  const scanned = Math.min(log.count, IN_FLIGHT_BLOCKS);
  if (head >= scanned || stale === 0) return log.findCycle(Math.max(0, head - scanned), head, stale) ?? head;
  return log.findCycle(log.count - (scanned - head), log.count, stale - 1) ?? log.findCycle(0, head, stale) ?? head;
}

/** Steps back over a record that was not written to the end. */
function wholeRecords(log: LogBlocks, head: number): number {
  const block = log.findHeaderBefore(head, Math.max(0, head - RECORD_BLOCKS));
  if (block !== undefined) return readHeader(log, block).end === head ? head : block;
  if (head > RECORD_BLOCKS) throw noRecord(head);
  const wrapped = log.findHeaderBefore(log.count, log.count - (RECORD_BLOCKS - head));
  if (wrapped === undefined) throw noRecord(head);
  return readHeader(log, wrapped).end === head + log.count ? head : wrapped;
}

function recordBefore(log: LogBlocks, head: number): RecordHeader {
  const block = log.findHeaderBefore(head) ?? log.findHeaderBefore(log.count, head);
  if (block === undefined) throw noRecord(head);
  return readHeader(log, block);
}

function noRecord(head: number): DiskError {
  return corrupt(`Cannot read log: no record before block ${head}`, head * BASIC_BLOCK);
}

function isCleanAt(log: LogBlocks, head: number): boolean {
  try {
    const last = recordBefore(log, head);
    return last.end % log.count === head % log.count && isUnmount(log, last);
  } catch (error) {
    // where the guess is wrong, there may be anything before it
    if (error instanceof DiskError && error.kind === 'corrupt') return false;
    throw error;
  }
}

/** Where the oldest record lies that was still needed when a record was written. */
function tailOf(log: LogBlocks, { fields, block }: RecordHeader): number {
  const tail = Number(fields.h_tail_lsn & 0xffffffffn);
  if (tail < log.count) return tail;
  throw corrupt(`Cannot read log record in block ${block}: its tail is block ${tail}`, block * BASIC_BLOCK);
}

/** The records that were on their way when the machine stopped may be incomplete: the first of them that is ends the log. */
function withoutTornHead(log: LogBlocks, range: LogRange, isChecked: boolean): LogRange {
  const torn = firstBroken(log, { ...range, tail: recordsInFlight(log, range) }, isChecked);
  return torn === undefined ? range : { head: torn, tail: tailOf(log, recordBefore(log, torn)) };
}

/** The first of the last few records, not before the tail: there the log has another round. */
function recordsInFlight(log: LogBlocks, { head, tail }: LogRange): number {
  let first = head;
  for (let records = 0; records < MAX_RECORDS_IN_FLIGHT && first !== tail; records++) {
    const { block } = recordBefore(log, first);
    if (distance(log, tail, block) >= (distance(log, tail, first) || log.count)) break;
    first = block;
  }
  return first;
}

/** New records may have begun to take the place of the oldest ones: then those had served already. */
function withoutOverwrittenTail(log: LogBlocks, range: LogRange, isChecked: boolean): LogRange {
  let { tail } = range;
  for (;;) {
    const broken = firstBroken(log, { ...range, tail }, isChecked);
    if (broken === undefined) return { ...range, tail };
    const next = log.findHeaderAfter(broken, distance(log, broken, range.head));
    if (next === undefined || distance(log, range.head, broken) > IN_FLIGHT_BLOCKS) throw noRecord(range.head);
    tail = next;
  }
}

/** The first record that cannot be read. */
function firstBroken(log: LogBlocks, range: LogRange, isChecked: boolean): number | undefined {
  let block = range.tail;
  try {
    for (const { header } of recordsIn(log, range, isChecked)) block = header.end % log.count;
    return undefined;
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'corrupt') return block;
    throw error;
  }
}

interface LogRecord {
  readonly header: RecordHeader;
  readonly content: Uint8Array;
}

/** The records of a range in order. */
export function* recordsIn(log: LogBlocks, { tail, head }: LogRange, isChecked: boolean): Generator<LogRecord> {
  for (let block = tail, left = distance(log, tail, head); left > 0; ) {
    const header = readHeader(log, block);
    left -= header.end - block;
    if (left < 0) throw corrupt(`Cannot read log record in block ${block}: it passes the head`, block * BASIC_BLOCK);
    yield { header, content: readContent(log, header, isChecked) };
    block = header.end % log.count;
  }
}

/** How many blocks lie from one to another. */
function distance({ count }: LogBlocks, from: number, to: number): number {
  return (to - from + count) % count;
}
