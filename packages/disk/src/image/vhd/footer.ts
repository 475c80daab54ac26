import { asFact, DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { verifyChecksum } from './checksum.ts';
import { corrupt } from './error.ts';
import {
  CREATOR_APPLICATION_AT,
  CREATOR_HOST_OS_AT,
  CREATORS_BY_GEOMETRY,
  DISK_TYPES,
  FOOTER,
  FOOTER_CHECKSUM_AT,
  FOOTER_COOKIE,
  FOOTER_SIZE,
  LARGEST_GEOMETRY,
  LIMIT,
  MAJOR_VERSION,
  SECTOR_SIZE,
  SHORT_FOOTER_SIZE,
  UNIQUE_ID_AT,
} from './layout.ts';

/** A footer whose checksum holds and whose numbers are within their bounds. */
export interface VhdFooter {
  readonly type: 'fixed' | 'dynamic' | 'differencing';
  /** Of the dynamic header; only of use when the disk is not fixed. */
  readonly dataOffset: bigint;
  readonly timestamp: number;
  /** Four characters, as they are. */
  readonly creator: string;
  readonly creatorHostOs: string;
  readonly geometry: Geometry;
  readonly geometrySize: number;
  readonly currentSize: number;
  readonly virtualSize: number;
  readonly uniqueId: string;
  readonly savedState: boolean;
}

export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors_per_track: number;
}

export interface FoundFooter {
  readonly footer: VhdFooter;
  /** Where the footer at the end starts: no block reaches further. */
  readonly dataEnd: number;
  readonly warnings: readonly string[];
}

/** Finds the footer at the end, or its copy in front when that is damaged. Two that tell of different disks are refused. */
export function readVhdFooter(source: ByteSource): FoundFooter {
  const tail = attempt(() => readTail(source));
  const front = attempt(() => readFooter(source, 0, Math.min(FOOTER_SIZE, source.sizeBytes)));
  if (tail.found !== undefined) return checkAgainstCopy(tail.found, front.found);
  const copy = front.found;
  // the first sector of a fixed disk is the guest's: no footer is there
  if (copy === undefined || copy.type === 'fixed') throw tail.error;
  return {
    footer: copy,
    dataEnd: source.sizeBytes,
    warnings: ['footer at the end is missing or damaged: its copy in front is used'],
  };
}

type Attempt<T> = { readonly found: T; readonly error?: never } | { readonly found?: never; readonly error: DiskError };

function attempt<T>(read: () => T): Attempt<T> {
  try {
    return { found: read() };
  } catch (error) {
    return { error: asFact(error) };
  }
}

interface Tail {
  readonly footer: VhdFooter;
  readonly dataEnd: number;
}

function readTail(source: ByteSource): Tail {
  const short = source.sizeBytes - SHORT_FOOTER_SIZE;
  const isShort = short >= 0 && hasCookie(source.read(short, FOOTER_COOKIE.length));
  const sizeBytes = isShort ? SHORT_FOOTER_SIZE : Math.min(FOOTER_SIZE, source.sizeBytes);
  const dataEnd = source.sizeBytes - sizeBytes;
  return { footer: readFooter(source, dataEnd, sizeBytes), dataEnd };
}

export function hasCookie(bytes: Uint8Array): boolean {
  return text(bytes.subarray(0, FOOTER_COOKIE.length)) === FOOTER_COOKIE;
}

/** What decides which bytes the disk has. */
const DECISIVE = ['type', 'dataOffset', 'virtualSize', 'uniqueId'] as const;

function checkAgainstCopy({ footer, dataEnd }: Tail, copy: VhdFooter | undefined): FoundFooter {
  if (copy === undefined) {
    const warnings = footer.type === 'fixed' ? [] : ['copy of the footer in front is missing or damaged'];
    return { footer, dataEnd, warnings };
  }
  const different = DECISIVE.find((name) => footer[name] !== copy[name]);
  if (different !== undefined) {
    const state = `${different} is ${copy[different]} in front and ${footer[different]} at the end, expected the same`;
    throw corrupt('footer', state, dataEnd);
  }
  return { footer, dataEnd, warnings: [] };
}

function readFooter(source: ByteSource, at: number, sizeBytes: number): VhdFooter {
  const bytes = source.read(at, sizeBytes);
  if (!hasCookie(bytes)) throw corrupt('footer', `it does not start with "${FOOTER_COOKIE}"`, at);
  const fields = readFields(bytes, FOOTER, { format: 'vhd', offset: at });
  verifyChecksum(bytes, FOOTER_CHECKSUM_AT, 'footer', at);
  checkVersion(fields.file_format_version, at);
  const creator = text(bytes.subarray(CREATOR_APPLICATION_AT, CREATOR_APPLICATION_AT + 4));
  const geometrySize = fields.cylinders * fields.heads * fields.sectors_per_track * SECTOR_SIZE;
  return {
    type: checkType(fields.disk_type, at),
    dataOffset: fields.data_offset,
    timestamp: fields.timestamp,
    creator,
    creatorHostOs: text(bytes.subarray(CREATOR_HOST_OS_AT, CREATOR_HOST_OS_AT + 4)),
    geometry: {
      cylinders: fields.cylinders,
      heads: fields.heads,
      sectors_per_track: fields.sectors_per_track,
    },
    geometrySize,
    currentSize: fields.current_size,
    virtualSize: checkSize(sizeBy(creator, geometrySize, fields.current_size), at),
    uniqueId: readUuid(bytes, UNIQUE_ID_AT),
    savedState: fields.saved_state !== 0,
  };
}

function checkVersion(version: number, at: number): void {
  if (version >>> 16 === MAJOR_VERSION) return;
  const message = `Cannot read VHD footer: version is ${hex(version)}, expected ${MAJOR_VERSION}.0`;
  throw new DiskError('unsupported', message, { format: 'vhd', offset: at + 12 });
}

function checkType(type: number, at: number): VhdFooter['type'] {
  const known = DISK_TYPES[type];
  if (known !== undefined) return known;
  const message = `Cannot read VHD footer: disk type is ${type}, expected 2 (fixed), 3 (dynamic) or 4 (differencing)`;
  throw new DiskError('unsupported', message, { format: 'vhd', offset: at + 60 });
}

function sizeBy(creator: string, geometrySize: number, currentSize: number): number {
  const byGeometry = CREATORS_BY_GEOMETRY.includes(creator) && geometrySize !== LARGEST_GEOMETRY * SECTOR_SIZE;
  return byGeometry ? geometrySize : Math.floor(currentSize / SECTOR_SIZE) * SECTOR_SIZE;
}

function checkSize(size: number, at: number): number {
  if (size <= LIMIT.virtualSize) return size;
  throw corrupt('footer', `virtual size is ${hex(size)}, expected at most ${hex(LIMIT.virtualSize)}`, at + 48);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
