import { crc32 } from 'node:zlib';
import { asFact, type DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type Entry, readEntries } from './entries.ts';
import { corrupt, unsupported } from './error.ts';
import {
  BITLOCKER_ID,
  BLOCK_HEADER,
  BLOCK_HEADER_SIZE,
  ENCRYPT_ON_WRITE_ID,
  ENTRY_TYPE,
  FVE_SIGNATURE,
  ID_OFFSETS,
  METADATA_HEADER,
  METADATA_HEADER_SIZE,
  METADATA_OFFSETS,
  METADATA_ROOM,
  SIGNATURE_AT,
  STATE,
  VALIDATION,
  VALIDATION_SIZE,
  VALUE_TYPE,
  VOLUME_GUID_AT,
  VOLUME_HEADER,
  VOLUME_HEADER_SIZE,
} from './layout.ts';

/** A run of the volume. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** What the metadata says, all of it compared with bounds. Offsets in bytes from the start of the volume. */
export interface BitlockerMetadata {
  /** 1 of Windows Vista, 2 of all later ones. */
  readonly version: 1 | 2;
  readonly guid: string;
  readonly sectorBytes: number;
  readonly method: number;
  /** Up to where sectors are encrypted: less than the volume while it is being encrypted or decrypted. */
  readonly encryptedBytes: number;
  /** Where the start of the volume lies, encrypted. Vista encrypts none, and changes one field of it: `mftCopyCluster`. */
  readonly header: Range | undefined;
  readonly mftCopyCluster: number | undefined;
  /** Copies of the metadata, which the filesystem on the volume keeps free. */
  readonly areas: readonly Range[];
  readonly entries: readonly Entry[];
}

/** Reads the metadata that is sound; it has three copies, which must agree in all that decides how sectors are read. */
export function readMetadata(volume: ByteSource): BitlockerMetadata {
  const { sectorBytes, offsets } = locateMetadata(volume);
  const failures: DiskError[] = [];
  const copies = offsets.flatMap((offset) => {
    try {
      return [readCopy(volume, offset, sectorBytes)];
    } catch (error) {
      failures.push(asFact(error));
      return [];
    }
  });
  const [first, ...others] = copies;
  if (first === undefined) throw failures[0] ?? corrupt('metadata', 'there is none', 0);
  // an update that was interrupted, or a trap: to choose one would be to guess
  if (others.some((other) => terms(other) !== terms(first))) {
    throw corrupt('metadata', 'its sound copies do not agree on how the volume is encrypted', offsets[0] ?? 0);
  }
  return first;
}

function terms({ entries: _, ...rest }: BitlockerMetadata): string {
  return JSON.stringify(rest);
}

interface Location {
  readonly sectorBytes: number;
  readonly offsets: readonly number[];
}

function locateMetadata(volume: ByteSource): Location {
  const sector = volume.read(0, Math.min(VOLUME_HEADER_SIZE, volume.sizeBytes));
  const place = { format: 'bitlocker', offset: 0 };
  const { bytesPerSector, sectorsPerCluster, metadataCluster } = readFields(sector, VOLUME_HEADER, place);
  if (![512, 1024, 2048, 4096].includes(bytesPerSector)) {
    throw corrupt('volume header', `its sectors have ${bytesPerSector} bytes, expected 512 to 4096`, 11);
  }
  for (const at of ID_OFFSETS) {
    const id = readGuid(sector, at);
    if (id === ENCRYPT_ON_WRITE_ID) {
      throw unsupported(
        'its sectors are encrypted as they are first written, so that which of them are is not known',
        at,
      );
    }
    if (id !== BITLOCKER_ID) continue;
    const { first, second, third } = readFields(sector.subarray(at), METADATA_OFFSETS, { ...place, offset: at });
    return { sectorBytes: bytesPerSector, offsets: [first, second, third] };
  }
  if (!hasSignature(sector, SIGNATURE_AT)) throw corrupt('volume header', 'its identifier is not known', 160);
  const first = metadataCluster * sectorsPerCluster * bytesPerSector;
  return { sectorBytes: bytesPerSector, offsets: copiesOf(volume, first) };
}

/** Vista's header tells of one copy, which tells of all. */
function copiesOf(volume: ByteSource, at: number): readonly number[] {
  const { first, second, third } = readBlockHeader(volume, at);
  return [first, second, third];
}

function hasSignature(bytes: Uint8Array, at: number): boolean {
  return Buffer.from(bytes.subarray(at, at + FVE_SIGNATURE.length)).toString('latin1') === FVE_SIGNATURE;
}

function readBlockHeader(volume: ByteSource, offset: number): Fields<typeof BLOCK_HEADER> {
  const bytes = offset + BLOCK_HEADER_SIZE > volume.sizeBytes ? undefined : volume.read(offset, BLOCK_HEADER_SIZE);
  if (bytes === undefined || !hasSignature(bytes, 0))
    throw corrupt('metadata', `there is none at ${hex(offset)}`, offset);
  return readFields(bytes, BLOCK_HEADER, { format: 'bitlocker', offset });
}

function readCopy(volume: ByteSource, offset: number, sectorBytes: number): BitlockerMetadata {
  const header = readBlockHeader(volume, offset);
  const { version } = header;
  if (version !== 1 && version !== 2) throw unsupported(`its version is ${version}, expected 1 or 2`, offset + 10);
  const block = readBlock(volume, offset, version === 1 ? header.size : header.size * 16);
  const body = block.subarray(BLOCK_HEADER_SIZE);
  const { size, headerSize, method } = readFields(body, METADATA_HEADER, { format: 'bitlocker', offset });
  if (headerSize !== METADATA_HEADER_SIZE || size < headerSize || size > body.length) {
    throw corrupt(
      'metadata',
      `it says that it has ${size} bytes in a block of ${block.length}`,
      offset + BLOCK_HEADER_SIZE,
    );
  }
  const entries = readEntries(body.subarray(headerSize, size), offset + BLOCK_HEADER_SIZE + headerSize);
  const areas = [header.first, header.second, header.third].map((at) => areaWithin(volume, at, METADATA_ROOM[version]));
  return {
    version,
    guid: readGuid(body, VOLUME_GUID_AT),
    sectorBytes,
    method,
    encryptedBytes: encryptedBytes(volume, header, offset),
    header: version === 1 ? undefined : volumeHeader(volume, { header, entries, sectorBytes }),
    mftCopyCluster: version === 1 ? header.headerOffset : undefined,
    areas,
    entries,
  };
}

/** The block is followed by its checksum. */
function readBlock(volume: ByteSource, offset: number, length: number): Uint8Array {
  if (length < BLOCK_HEADER_SIZE + METADATA_HEADER_SIZE || offset + length + VALIDATION_SIZE > volume.sizeBytes) {
    throw corrupt('metadata', `a block of ${length} bytes does not fit at ${hex(offset)}`, offset + 8);
  }
  const bytes = volume.read(offset, length + VALIDATION_SIZE);
  const block = bytes.subarray(0, length);
  const expected = readFields(bytes.subarray(length), VALIDATION, { format: 'bitlocker', offset }).crc32;
  if (crc32(block) !== expected) throw corrupt('metadata', `its checksum at ${hex(offset + length)} is wrong`, offset);
  return block;
}

/** While a volume is being converted, the sectors at the border lie in a log, unless it was paused. Vista may leave it out. */
function encryptedBytes(volume: ByteSource, header: Fields<typeof BLOCK_HEADER>, offset: number): number {
  const { version, state, nextState, encryptedBytes } = header;
  if (state !== STATE.encrypted && state !== STATE.paused) {
    const now = `state ${state}, next ${nextState}`;
    throw unsupported(
      `it is neither encrypted as a whole nor paused (${now}), so that its sectors are not settled`,
      offset,
    );
  }
  return version === 1 && encryptedBytes === 0 ? volume.sizeBytes : encryptedBytes;
}

interface HeaderTerms {
  readonly header: Fields<typeof BLOCK_HEADER>;
  readonly entries: readonly Entry[];
  readonly sectorBytes: number;
}

const RANGE = { offset: [0, 'u64'], length: [8, 'u64'] } as const;

/** Said by an entry from Windows 8 on, and by the header of the block before. */
function volumeHeader(volume: ByteSource, { header, entries, sectorBytes }: HeaderTerms): Range {
  const entry = entries.find(
    ({ type, valueType }) => type === ENTRY_TYPE.volumeHeader && valueType === VALUE_TYPE.range,
  );
  const { offset, length } =
    entry === undefined
      ? { offset: header.headerOffset, length: header.headerSectors * sectorBytes }
      : readFields(entry.value, RANGE, { format: 'bitlocker', offset: header.first });
  if (length === 0 || length % sectorBytes !== 0 || offset % sectorBytes !== 0) {
    throw corrupt('metadata', `the header of the volume has ${length} bytes at ${hex(offset)}`, header.first);
  }
  return areaWithin(volume, offset, length);
}

function areaWithin(volume: ByteSource, offset: number, length: number): Range {
  if (offset + length <= volume.sizeBytes) return { offset, length };
  throw corrupt('metadata', `${length} bytes at ${hex(offset)} are not within the volume`, offset);
}
