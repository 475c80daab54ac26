import type { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { FIRST_CLUSTER, type HeapPlace } from '../cluster-heap.ts';
import type { ByteRun } from '../run-content.ts';
import { corrupt } from './corrupt.ts';
import {
  BOOT_SECTOR,
  BOOT_SECTOR_SIZE,
  ENTRY_SIZE,
  type FatBits,
  FLAGS_ACTIVE_FAT,
  FLAGS_NO_MIRROR,
  FOREIGN_NAMES,
  MAX_CLUSTERS,
} from './layout.ts';

/** Where everything is on a FAT volume, in bytes from its start. */
export interface Geometry extends HeapPlace {
  readonly bits: FatBits;
  readonly sizeBytes: number;
  /** The table that is in use. */
  readonly table: ByteRun;
  /** A chain like other folders on FAT32, a place of its own before that. */
  readonly root: { readonly cluster: number } | { readonly run: ByteRun };
  readonly state: number;
  /** The sector that keeps the number of free clusters, on FAT32. */
  readonly infoOffset: number | undefined;
}

type Raw = Fields<typeof BOOT_SECTOR>;
type Field = keyof typeof BOOT_SECTOR;

/** Whether a volume begins as FAT does: not by a name, which says nothing, but by numbers that fit one another. */
export function isFat(head: Uint8Array): boolean {
  if (head.length < BOOT_SECTOR_SIZE || FOREIGN_NAMES.some(([offset, text]) => hasText(head, offset, text)))
    return false;
  return problemOf(readFields(head, BOOT_SECTOR)) === undefined;
}

/** @throws DiskError `corrupt` when the numbers do not fit one another, or the tables are not in the image */
export function readBootSector(source: ByteSource): Geometry {
  if (source.sizeBytes < BOOT_SECTOR_SIZE) {
    throw corrupt(`Cannot read boot sector: there are ${source.sizeBytes} bytes, expected 512`, source.sizeBytes);
  }
  const raw = readFields(source.read(0, BOOT_SECTOR_SIZE), BOOT_SECTOR, { format: 'vfat', offset: 0 });
  const problem = problemOf(raw);
  if (problem !== undefined) throw wrong(...problem);
  const geometry = geometryOf(raw);
  const end = geometry.table.offset + geometry.table.length;
  if (end <= source.sizeBytes) return geometry;
  throw wrong('fat_length', `the table ends at ${hex(end)}, the image at ${hex(source.sizeBytes)}`);
}

function hasText(head: Uint8Array, offset: number, text: string): boolean {
  return Buffer.from(head.buffer, head.byteOffset + offset, text.length).toString('latin1') === text;
}

/** The checks of the kernel: what is wrong with which field. */
function problemOf(raw: Raw): [field: Field, state: string] | undefined {
  const { sector_size: sector, media } = raw;
  if (!isPowerOfTwo(sector) || sector < 512 || sector > 4096) return ['sector_size', `it is ${sector}`];
  if (!isPowerOfTwo(raw.sec_per_clus)) return ['sec_per_clus', `it is ${raw.sec_per_clus}, expected a power of two`];
  if (raw.reserved === 0) return ['reserved', 'it is 0, expected at least the boot sector'];
  if (raw.fats === 0) return ['fats', 'there is no table'];
  if (media < 0xf8 && media !== 0xf0) return ['media', `it is ${hex(media)}, expected 0xf0 or 0xf8 to 0xff`];
  if (tableSectors(raw) === 0) return ['fat_length', 'the table has no sectors'];
  if ((raw.dir_entries * ENTRY_SIZE) % sector !== 0) return ['dir_entries', `${raw.dir_entries} do not fill sectors`];
  return problemOfSizes(raw);
}

function problemOfSizes(raw: Raw): [field: Field, state: string] | undefined {
  const sectors = raw.sectors || raw.total_sect;
  const before = sectorsBeforeData(raw);
  if (sectors < before) return ['total_sect', `${sectors} sectors, of which ${before} are before the first cluster`];
  const active = activeTable(raw);
  if (active >= raw.fats) return ['fat32_flags', `table ${active} of ${raw.fats} is in use`];
  const bits = bitsOf(raw);
  const count = clusterCountOf(raw, bits);
  const most = MAX_CLUSTERS[bits];
  return count <= most ? undefined : ['total_sect', `${count} clusters, expected at most ${most} for FAT${bits}`];
}

function geometryOf(raw: Raw): Geometry {
  const { sector_size: sector } = raw;
  const bits = bitsOf(raw);
  const tableBytes = tableSectors(raw) * sector;
  const rootOffset = (raw.reserved + raw.fats * tableSectors(raw)) * sector;
  return {
    bits,
    sizeBytes: (raw.sectors || raw.total_sect) * sector,
    clusterBytes: raw.sec_per_clus * sector,
    clusterCount: clusterCountOf(raw, bits),
    dataOffset: sectorsBeforeData(raw) * sector,
    table: { offset: raw.reserved * sector + activeTable(raw) * tableBytes, length: tableBytes },
    root:
      bits === 32
        ? { cluster: raw.fat32_root_cluster }
        : { run: { offset: rootOffset, length: raw.dir_entries * ENTRY_SIZE } },
    state: bits === 32 ? raw.fat32_state : raw.fat16_state,
    infoOffset: bits === 32 ? (raw.fat32_info_sector || 1) * sector : undefined,
  };
}

function tableSectors(raw: Raw): number {
  return raw.fat_length || raw.fat32_length;
}

function sectorsBeforeData(raw: Raw): number {
  const rootSectors = (raw.dir_entries * ENTRY_SIZE) / raw.sector_size;
  return raw.reserved + raw.fats * tableSectors(raw) + rootSectors;
}

/** As the kernel and Windows tell: FAT32 has its length elsewhere, and the others differ by the number of clusters. */
function bitsOf(raw: Raw): FatBits {
  if (raw.fat_length === 0) return 32;
  return dataClusters(raw) > MAX_CLUSTERS[12] ? 16 : 12;
}

/** Those that there is room for and that the table has entries for. */
function clusterCountOf(raw: Raw, bits: FatBits): number {
  const entries = Math.floor((tableSectors(raw) * raw.sector_size * 8) / bits);
  return Math.min(dataClusters(raw), entries - FIRST_CLUSTER);
}

function dataClusters(raw: Raw): number {
  return Math.floor(((raw.sectors || raw.total_sect) - sectorsBeforeData(raw)) / raw.sec_per_clus);
}

function activeTable(raw: Raw): number {
  const isMirrored = raw.fat_length !== 0 || (raw.fat32_flags & FLAGS_NO_MIRROR) === 0;
  return isMirrored ? 0 : raw.fat32_flags & FLAGS_ACTIVE_FAT;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function wrong(field: Field, state: string): DiskError {
  return corrupt(`Cannot read boot sector: bad ${field}: ${state}`, BOOT_SECTOR[field][0]);
}
