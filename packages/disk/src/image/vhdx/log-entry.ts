import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { OverlayWrite } from '../../source/overlay-source.ts';
import { checksumHolds } from './checksum.ts';
import { corrupt } from './error.ts';
import {
  DATA_DESCRIPTOR,
  DATA_SECTOR,
  DATA_SECTOR_SIGNATURE,
  DATA_SIGNATURE,
  DESCRIPTOR_SIZE,
  LEADING_BYTES,
  LOG_ENTRY,
  LOG_ENTRY_GUID_AT,
  LOG_ENTRY_HEADER_SIZE,
  LOG_ENTRY_SIGNATURE,
  LOG_SECTOR,
  TRAILING_BYTES,
  ZERO_DESCRIPTOR,
  ZERO_SIGNATURE,
} from './layout.ts';
import { hasSignature } from './signature.ts';

/** An entry whose checksum holds. `at` is from the start of the log. */
export interface LogEntry {
  readonly at: number;
  readonly sizeBytes: number;
  /** Where the oldest entry was that was not yet applied when this one was written. */
  readonly tail: number;
  readonly sequenceNumber: bigint;
  readonly descriptorCount: number;
  /** The file was at least this large, on stable storage. */
  readonly flushedFileOffset: bigint;
  /** The file is to be at least this large. */
  readonly lastFileOffset: bigint;
}

/** The log in memory, a ring of sectors. */
export class LogRing {
  readonly #bytes: Uint8Array;
  readonly #offset: number;
  readonly #guid: string;
  // entries do not overlap, so that all of them together are no longer than the log, but a hostile log has many that do
  #checksumBudget: number;

  /** @param offset of the log in the file */
  constructor(bytes: Uint8Array, offset: number, guid: string) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#guid = guid;
    this.#checksumBudget = bytes.length * 4;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** The entry at a place, when a whole one of this log is there. */
  entryAt(place: number): LogEntry | undefined {
    const at = place % this.sizeBytes;
    const first = this.#sector(at);
    if (!hasSignature(first, LOG_ENTRY_SIGNATURE) || readGuid(first, LOG_ENTRY_GUID_AT) !== this.#guid)
      return undefined;
    const fields = readFields(first, LOG_ENTRY, { format: 'vhdx', offset: this.#offset + at });
    const { EntryLength: length, Tail: tail, DescriptorCount: count } = fields;
    if (length === 0 || length % LOG_SECTOR !== 0 || length > this.sizeBytes) return undefined;
    if (tail % LOG_SECTOR !== 0 || tail >= this.sizeBytes || descriptorSectors(count) * LOG_SECTOR > length) {
      return undefined;
    }
    if (!this.#checksumHolds(at, length)) return undefined;
    return {
      at,
      sizeBytes: length,
      tail,
      sequenceNumber: fields.SequenceNumber,
      descriptorCount: count,
      flushedFileOffset: fields.FlushedFileOffset,
      lastFileOffset: fields.LastFileOffset,
    };
  }

  /** What an entry writes, in order. The bytes are parts of the log: call it once for an entry. */
  *writesOf(entry: LogEntry): Iterable<OverlayWrite> {
    let dataSector = descriptorSectors(entry.descriptorCount);
    for (let index = 0; index < entry.descriptorCount; index++) {
      const { descriptor, at } = this.#descriptor(entry, index);
      if (hasSignature(descriptor, ZERO_SIGNATURE)) {
        yield this.#zeroWrite(descriptor, entry, at);
      } else if (hasSignature(descriptor, DATA_SIGNATURE)) {
        yield this.#dataWrite(descriptor, entry, at, dataSector++);
      } else {
        throw corrupt('log', 'descriptor is neither of data nor of zeros', at);
      }
    }
  }

  #zeroWrite(descriptor: Uint8Array, entry: LogEntry, at: number): OverlayWrite {
    const fields = readFields(descriptor, ZERO_DESCRIPTOR, { format: 'vhdx', offset: at });
    checkDescriptor(fields, entry, at);
    if (fields.ZeroLength % LOG_SECTOR !== 0) {
      throw corrupt('log', `descriptor zeros ${hex(fields.ZeroLength)} bytes, expected a multiple of 4096`, at);
    }
    return { start: fields.FileOffset, end: fields.FileOffset + fields.ZeroLength };
  }

  #dataWrite(descriptor: Uint8Array, entry: LogEntry, at: number, dataSector: number): OverlayWrite {
    const fields = readFields(descriptor, DATA_DESCRIPTOR, { format: 'vhdx', offset: at });
    checkDescriptor(fields, entry, at);
    if ((dataSector + 1) * LOG_SECTOR > entry.sizeBytes) {
      throw corrupt('log', 'descriptor has no data sector: the entry ends before it', at);
    }
    const bytes = this.#dataSector(entry, dataSector);
    bytes.set(descriptor.subarray(LEADING_BYTES.at, LEADING_BYTES.at + LEADING_BYTES.sizeBytes));
    bytes.set(
      descriptor.subarray(TRAILING_BYTES.at, TRAILING_BYTES.at + TRAILING_BYTES.sizeBytes),
      LOG_SECTOR - TRAILING_BYTES.sizeBytes,
    );
    return { start: fields.FileOffset, end: fields.FileOffset + LOG_SECTOR, bytes };
  }

  #dataSector(entry: LogEntry, index: number): Uint8Array {
    const place = (entry.at + index * LOG_SECTOR) % this.sizeBytes;
    const sector = this.#sector(place);
    const at = this.#offset + place;
    const { SequenceHigh, SequenceLow } = readFields(sector, DATA_SECTOR, { format: 'vhdx', offset: at });
    const sequenceNumber = (BigInt(SequenceHigh) << 32n) | BigInt(SequenceLow);
    if (!hasSignature(sector, DATA_SECTOR_SIGNATURE) || sequenceNumber !== entry.sequenceNumber) {
      throw corrupt('log', `data sector is not of entry ${entry.sequenceNumber}`, at);
    }
    return sector;
  }

  #descriptor(entry: LogEntry, index: number) {
    const within = LOG_ENTRY_HEADER_SIZE + index * DESCRIPTOR_SIZE;
    const place = (entry.at + within) % this.sizeBytes;
    return { descriptor: this.#bytes.subarray(place, place + DESCRIPTOR_SIZE), at: this.#offset + place };
  }

  #checksumHolds(at: number, length: number): boolean {
    this.#checksumBudget -= length;
    if (this.#checksumBudget < 0) throw corrupt('log', 'its entries overlap', this.#offset + at);
    const end = at + length;
    const wrapped = Math.max(0, end - this.sizeBytes);
    return checksumHolds(this.#bytes.subarray(at, end - wrapped), this.#bytes.subarray(0, wrapped));
  }

  #sector(at: number): Uint8Array {
    return this.#bytes.subarray(at, at + LOG_SECTOR);
  }
}

function descriptorSectors(count: number): number {
  return Math.ceil((LOG_ENTRY_HEADER_SIZE + count * DESCRIPTOR_SIZE) / LOG_SECTOR);
}

interface Descriptor {
  readonly FileOffset: number;
  readonly SequenceNumber: bigint;
}

function checkDescriptor({ FileOffset, SequenceNumber }: Descriptor, entry: LogEntry, at: number): void {
  if (SequenceNumber !== entry.sequenceNumber) {
    throw corrupt('log', `descriptor is of entry ${SequenceNumber}, expected ${entry.sequenceNumber}`, at);
  }
  if (FileOffset % LOG_SECTOR !== 0) {
    throw corrupt('log', `descriptor writes at ${hex(FileOffset)}, expected a multiple of 4096`, at);
  }
}
