import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './corrupt.ts';
import { isNtfs } from './format.ts';
import {
  BOOT_SECTOR,
  BOOT_SECTOR_SIZE,
  MAX_CLUSTER_BYTES,
  MAX_RECORD_BYTES,
  MAX_SECTOR_BYTES,
  MAX_SECTORS_PER_CLUSTER,
  MIN_RECORD_BYTES,
  MIN_SECTOR_BYTES,
  OEM_ID_OFFSET,
} from './layout.ts';

/** The sizes that a volume is made of, and where its file table begins. */
export interface Geometry {
  readonly sectorBytes: number;
  readonly clusterBytes: number;
  readonly clusterCount: number;
  readonly sizeBytes: number;
  /** Of a record of the file table. */
  readonly recordBytes: number;
  readonly mftCluster: number;
  /** Of the copy of its first records. */
  readonly mirrorCluster: number;
}

export interface BootSector {
  readonly geometry: Geometry;
  /** The first sector is damaged; this is its copy behind the volume. */
  readonly isBackup: boolean;
}

type Field = keyof typeof BOOT_SECTOR;

/** @throws DiskError `corrupt` when neither the first sector nor the one behind the volume makes sense */
export function readBootSector(source: ByteSource): BootSector {
  try {
    return { geometry: geometryAt(source, 0), isBackup: false };
  } catch (error) {
    const backup = error instanceof DiskError && error.kind === 'corrupt' ? readBackup(source) : undefined;
    if (backup === undefined) throw error;
    return { geometry: backup, isBackup: true };
  }
}

/** The copy is in the last sector of the partition, whose size only the image can tell. */
function readBackup(source: ByteSource): Geometry | undefined {
  for (let sector = MIN_SECTOR_BYTES; sector <= MAX_SECTOR_BYTES; sector *= 2) {
    const offset = Math.floor(source.sizeBytes / sector) * sector - sector;
    const geometry = offset > 0 ? soundGeometryAt(source, offset) : undefined;
    if (geometry?.sectorBytes === sector) return geometry;
  }
  return undefined;
}

function soundGeometryAt(source: ByteSource, offset: number): Geometry | undefined {
  try {
    return geometryAt(source, offset);
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}

function geometryAt(source: ByteSource, offset: number): Geometry {
  if (source.sizeBytes < offset + BOOT_SECTOR_SIZE) {
    throw corrupt(`Cannot read boot sector: there are ${source.sizeBytes} bytes, expected 512`, source.sizeBytes);
  }
  const bytes = source.read(offset, BOOT_SECTOR_SIZE);
  if (!isNtfs(bytes)) throw corrupt('Cannot read boot sector: it is not named "NTFS"', offset + OEM_ID_OFFSET);
  return geometryOf(readFields(bytes, BOOT_SECTOR, { format: 'ntfs', offset }), offset);
}

function geometryOf(raw: Fields<typeof BOOT_SECTOR>, offset: number): Geometry {
  const check = (holds: boolean, field: Field, state: string) => {
    if (!holds) throw corrupt(`Cannot read boot sector: bad ${field}: ${state}`, offset + BOOT_SECTOR[field][0]);
  };
  const checkSize = (bytes: number, field: Field, least: number, most: number) => {
    check(isPowerOfTwo(bytes) && bytes >= least && bytes <= most, field, `${bytes} bytes`);
  };
  const sectorBytes = raw.bytes_per_sector;
  checkSize(sectorBytes, 'bytes_per_sector', MIN_SECTOR_BYTES, MAX_SECTOR_BYTES);
  const clusterBytes = sectorBytes * sectorsPerCluster(raw.sectors_per_cluster);
  checkSize(clusterBytes, 'sectors_per_cluster', sectorBytes, MAX_CLUSTER_BYTES);
  const recordBytes = recordSize(raw.clusters_per_mft_record, clusterBytes);
  checkSize(recordBytes, 'clusters_per_mft_record', MIN_RECORD_BYTES, MAX_RECORD_BYTES);
  const sizeBytes = raw.number_of_sectors * sectorBytes;
  const clusterCount = Math.floor(sizeBytes / clusterBytes);
  check(
    clusterCount > 0 && Number.isSafeInteger(sizeBytes),
    'number_of_sectors',
    `it is ${hex(raw.number_of_sectors)}`,
  );
  check(raw.mft_lcn < clusterCount, 'mft_lcn', `it is ${hex(raw.mft_lcn)} of ${hex(clusterCount)}`);
  return {
    sectorBytes,
    clusterBytes,
    clusterCount,
    sizeBytes,
    recordBytes,
    mftCluster: raw.mft_lcn,
    mirrorCluster: raw.mftmirr_lcn,
  };
}

function sectorsPerCluster(stored: number): number {
  return stored > MAX_SECTORS_PER_CLUSTER ? 2 ** (256 - stored) : stored;
}

/** In clusters, or below zero an exponent of two with its sign turned. */
function recordSize(stored: number, clusterBytes: number): number {
  return stored < 0 ? 2 ** -stored : stored * clusterBytes;
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(Math.log2(value));
}
