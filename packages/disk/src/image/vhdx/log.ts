import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { OverlaySource, type OverlayWrite } from '../../source/overlay-source.ts';
import { corrupt, unsupported } from './error.ts';
import type { VhdxHeader } from './header.ts';
import { LIMIT, LOG_SECTOR, LOG_VERSION, NO_GUID, REGION_TABLE_OFFSETS } from './layout.ts';
import { type LogEntry, LogRing } from './log-entry.ts';
import { checkRegion } from './region-table.ts';

export interface Replayed {
  /** The file as it will be once a writer has replayed the log. */
  readonly source: ByteSource;
  readonly entries: number;
}

/**
 * Replays the log in memory, when the file was not closed: what is in the log only is not yet in the tables. A log without a
 * whole sequence of entries is refused, since nobody can say how old the tables are.
 */
export function replayLog(source: ByteSource, header: VhdxHeader): Replayed {
  const hasLog = header.logGuid !== NO_GUID;
  if (hasLog || header.log.sizeBytes > 0) checkRegion(header.log, header.offset + 68, source.sizeBytes);
  if (!hasLog) return { source, entries: 0 };
  const ring = readRing(source, header);
  const entries = activeSequence(ring);
  const head = entries.at(-1);
  if (head === undefined) throw corrupt('log', 'it holds no whole sequence of entries', header.log.offset);
  if (head.flushedFileOffset > BigInt(source.sizeBytes)) {
    const state = `it is cut short at ${hex(source.sizeBytes)}, the log knows of ${hex(head.flushedFileOffset)} bytes`;
    throw corrupt('file', state, source.sizeBytes);
  }
  const writes = checkedWrites(ring, entries, header);
  return { source: new OverlaySource(source, writes, lastFileOffset(head, header)), entries: entries.length };
}

function readRing(source: ByteSource, header: VhdxHeader): LogRing {
  const { offset, sizeBytes } = header.log;
  if (header.logVersion !== LOG_VERSION) {
    throw unsupported('log', `version is ${header.logVersion}, expected ${LOG_VERSION}`, header.offset + 64);
  }
  if (sizeBytes > LIMIT.replayedLogBytes) {
    const state = `it has ${hex(sizeBytes)} bytes to replay, expected at most ${hex(LIMIT.replayedLogBytes)}`;
    throw unsupported('log', state, header.offset + 68);
  }
  // a copy: the bytes of data sectors are put together in place
  return new LogRing(Uint8Array.from(source.read(offset, sizeBytes)), offset, header.logGuid);
}

/** The sequence of entries that was written last: those from the tail that its last entry names, up to that entry. */
function activeSequence(ring: LogRing): readonly LogEntry[] {
  let active: readonly LogEntry[] = [];
  for (let at = 0; at < ring.sizeBytes; ) {
    const sequence = sequenceFrom(ring, at);
    const head = sequence.at(-1);
    at += Math.max(LOG_SECTOR, lengthOf(sequence));
    if (head === undefined || head.sequenceNumber <= (active.at(-1)?.sequenceNumber ?? -1n)) continue;
    const tail = sequence.findIndex((entry) => entry.at === head.tail);
    // without its tail the sequence is only the end of one that starts elsewhere
    if (tail !== -1) active = sequence.slice(tail);
  }
  return active;
}

/** Entries one after the other, numbered without a gap; round the end of the log to its start, but not once more. */
function sequenceFrom(ring: LogRing, start: number): readonly LogEntry[] {
  const sequence: LogEntry[] = [];
  let at = start;
  for (;;) {
    const entry = ring.entryAt(at);
    const expected = (sequence.at(-1)?.sequenceNumber ?? -1n) + 1n;
    if (entry === undefined || (sequence.length > 0 && entry.sequenceNumber !== expected)) return sequence;
    if (at + entry.sizeBytes - start > ring.sizeBytes) return sequence;
    sequence.push(entry);
    at += entry.sizeBytes;
  }
}

function lengthOf(sequence: readonly LogEntry[]): number {
  return sequence.reduce((sum, entry) => sum + entry.sizeBytes, 0);
}

function* checkedWrites(ring: LogRing, entries: readonly LogEntry[], { log }: VhdxHeader): Iterable<OverlayWrite> {
  let count = 0;
  for (const entry of entries) {
    for (const write of ring.writesOf(entry)) {
      if (++count > LIMIT.replayedWrites) {
        throw unsupported('log', `it has more than ${LIMIT.replayedWrites} writes to replay`, log.offset + entry.at);
      }
      const isOverLog = write.start < log.offset + log.sizeBytes && write.end > log.offset;
      if (write.start < REGION_TABLE_OFFSETS[0] || isOverLog) {
        throw corrupt('log', `it writes at ${hex(write.start)}, over headers or itself`, log.offset + entry.at);
      }
      yield write;
    }
  }
}

function lastFileOffset({ lastFileOffset: last, at }: LogEntry, { log }: VhdxHeader): number {
  if (last <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(last);
  throw corrupt('log', `the file is to have ${hex(last)} bytes, which is too many`, log.offset + at + 56);
}
