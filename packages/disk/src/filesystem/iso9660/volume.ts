import type { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { ByteRun } from '../run-content.ts';
import { corrupt } from './error.ts';
import { RECORD, RECORD_HEADER_SIZE, SECTOR_SIZE } from './layout.ts';
import { type DirectoryRecord, isDots, parseRecord } from './record.ts';

/** Folders are read in pieces of that many bytes. */
const PIECE_SIZE = 32 * SECTOR_SIZE;
/** More than a million files. */
const LARGEST_FOLDER = 256 * 2 ** 20;

/** A file or folder: one record, or several where one extent does not hold it. */
export interface FileRecord {
  readonly first: DirectoryRecord;
  readonly extents: readonly ByteRun[];
}

/** The records of a filesystem. */
export class Iso9660Volume {
  readonly source: ByteSource;
  readonly blockSize: number;

  constructor(source: ByteSource, blockSize: number) {
    this.source = source;
    this.blockSize = blockSize;
  }

  /** @throws DiskError `corrupt` when it reaches past the end */
  read(offset: number, length: number): Uint8Array {
    if (offset + length <= this.source.sizeBytes) return this.source.read(offset, length);
    throw corrupt(`Cannot read ${length} bytes: the filesystem ends at ${this.source.sizeBytes}`, offset);
  }

  /** What a folder says of itself: its first record. */
  ownRecord(offset: number): DirectoryRecord {
    const [length = 0] = this.read(offset, 1);
    const record =
      length < RECORD_HEADER_SIZE ? undefined : parseRecord(this.read(offset, length), offset, this.blockSize);
    if (record?.isFolder && record.identifier.length === 1 && record.identifier[0] === 0) return record;
    throw corrupt('Cannot read folder: its first record is not its own', offset);
  }

  /** The files of a folder, without itself, its parent, and what is associated with other files. */
  *files({ offset, length }: ByteRun): Generator<FileRecord> {
    let pending: { first: DirectoryRecord; extents: ByteRun[] } | undefined;
    for (const record of this.#records(offset, length)) {
      if (record.isAssociated || isDots(record)) continue;
      pending ??= { first: record, extents: [] };
      if (!hasSameName(record, pending.first)) throw unfinished(pending.first);
      pending.extents.push(record.extent);
      if (record.isContinued) continue;
      yield pending;
      pending = undefined;
    }
    if (pending !== undefined) throw unfinished(pending.first);
  }

  *#records(start: number, length: number): Generator<DirectoryRecord> {
    if (length > LARGEST_FOLDER) {
      throw corrupt(`Cannot read folder: it has ${length} bytes, expected at most ${LARGEST_FOLDER}`, start);
    }
    for (let done = 0; done < length; done += PIECE_SIZE) {
      const piece = this.read(start + done, Math.min(PIECE_SIZE, length - done));
      for (let sector = 0; sector < piece.length; sector += SECTOR_SIZE) {
        yield* this.#recordsOf(piece.subarray(sector, sector + SECTOR_SIZE), start + done + sector);
      }
    }
  }

  /** No record crosses the end of a sector; what is left there is zero. */
  *#recordsOf(sector: Uint8Array, at: number): Generator<DirectoryRecord> {
    for (let offset = 0; offset < sector.length; ) {
      const length = sector[offset + RECORD.length[0]] as number;
      if (length === 0) return;
      if (offset + length > sector.length)
        throw corrupt('Cannot read directory record: it leaves its sector', at + offset);
      yield parseRecord(sector.subarray(offset, offset + length), at + offset, this.blockSize);
      offset += length;
    }
  }
}

function hasSameName({ identifier }: DirectoryRecord, other: DirectoryRecord): boolean {
  return Buffer.compare(identifier, other.identifier) === 0;
}

function unfinished({ at }: DirectoryRecord): DiskError {
  return corrupt('Cannot read folder: a file of several extents lacks the last', at);
}
