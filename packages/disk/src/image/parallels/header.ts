import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { findMagic } from './format.ts';
import {
  type BlockUnit,
  IN_USE,
  LIMIT,
  PARALLELS_HEADER,
  PARALLELS_HEADER_SIZE,
  PARALLELS_MAGICS,
  PARALLELS_VERSION,
  SECTOR_SIZE,
} from './layout.ts';

/** A header whose every number has been compared with its bound. */
export interface ParallelsHeader {
  readonly magic: string;
  readonly blockUnit: BlockUnit;
  readonly virtualSize: number;
  readonly clusterSize: number;
  /** The block table follows the header. */
  readonly entries: number;
  readonly inUse: boolean;
  /** Whether there are dirty bitmaps. */
  readonly hasExtension: boolean;
}

export function readParallelsHeader(source: ByteSource): ParallelsHeader {
  const bytes = source.read(0, Math.min(source.sizeBytes, PARALLELS_HEADER_SIZE));
  const fields = readFields(bytes, PARALLELS_HEADER, { format: 'parallels', offset: 0 });
  if (fields.version !== PARALLELS_VERSION) {
    const message = `Cannot read Parallels header: version is ${fields.version}, expected ${PARALLELS_VERSION}`;
    throw new DiskError('unsupported', message, { format: 'parallels', offset: 16 });
  }
  const magic = findMagic(bytes) ?? '';
  const blockUnit = PARALLELS_MAGICS.get(magic) ?? 'clusters';
  const clusterSize = checkClusterSize(fields.tracks);
  const virtualSize = checkVirtualSize(fields.nb_sectors, blockUnit);
  checkTable(fields.bat_entries, virtualSize / clusterSize, source.sizeBytes);
  return {
    magic,
    blockUnit,
    virtualSize,
    clusterSize,
    entries: fields.bat_entries,
    inUse: fields.in_use === IN_USE,
    hasExtension: fields.ext_off !== 0n,
  };
}

function checkClusterSize(sectors: number): number {
  if (sectors > 0 && sectors <= LIMIT.clusterSectors) return sectors * SECTOR_SIZE;
  throw corrupt('header', `a cluster has ${sectors} sectors, expected 1 to ${LIMIT.clusterSectors}`, 28);
}

function checkVirtualSize(stored: bigint, blockUnit: BlockUnit): number {
  // the older kind has 32 bits, and something else after them
  const sectors = blockUnit === 'sectors' ? stored & 0xffffffffn : stored;
  if (sectors * BigInt(SECTOR_SIZE) <= BigInt(LIMIT.virtualSize)) return Number(sectors) * SECTOR_SIZE;
  throw corrupt('header', `disk has ${hex(sectors)} sectors, expected at most ${hex(LIMIT.virtualSize / 512)}`, 36);
}

function checkTable(entries: number, clusters: number, fileSize: number): void {
  const state = `it has ${entries} entries`;
  if (entries < clusters) throw corrupt('block table', `${state}, expected ${Math.ceil(clusters)}`, 32);
  if (PARALLELS_HEADER_SIZE + entries * 4 > fileSize) {
    throw corrupt('block table', `${state}, past the end of the file at ${hex(fileSize)}`, 32);
  }
}
