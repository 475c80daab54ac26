import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { FIRST_CLUSTER, type HeapPlace } from '../cluster-heap.ts';
import type { ByteRun } from '../run-content.ts';
import { checksum32 } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { hasName } from './format.ts';
import {
  BOOT_SECTOR,
  BOOT_SECTOR_SIZE,
  BOOT_SIGNATURE,
  CHECKED_SECTORS,
  FILE_SYSTEM_NAME_OFFSET,
  MAX_CLUSTER_BITS,
  MAX_CLUSTER_COUNT,
  MAX_SECTOR_BITS,
  MIN_SECTOR_BITS,
  MUST_BE_ZERO,
  TABLE_ENTRY_SIZE,
  UNCHECKED_BYTES,
  VOLUME_FLAG,
} from './layout.ts';

/** Where everything is on an exFAT volume, in bytes from its start. */
export interface Geometry extends HeapPlace {
  readonly sizeBytes: number;
  readonly rootCluster: number;
  /** The table that is in use: the first, or the second of two. */
  readonly table: ByteRun;
  readonly activeTable: 0 | 1;
  readonly flags: number;
}

type Raw = Fields<typeof BOOT_SECTOR>;
type Field = keyof typeof BOOT_SECTOR;

/** @throws DiskError `corrupt` when the numbers do not fit one another or their checksum, or the table is not in the image */
export function readBootSector(source: ByteSource): Geometry {
  if (source.sizeBytes < BOOT_SECTOR_SIZE) {
    throw corrupt(`Cannot read boot sector: there are ${source.sizeBytes} bytes, expected 512`, source.sizeBytes);
  }
  const bytes = source.read(0, BOOT_SECTOR_SIZE);
  const raw = readFields(bytes, BOOT_SECTOR, { format: 'exfat', offset: 0 });
  checkSignatures(bytes, raw);
  checkSizes(raw);
  checkChecksum(source, 2 ** raw.sect_size_bits);
  const geometry = geometryOf(raw);
  const end = geometry.table.offset + geometry.table.length;
  ensure(end <= source.sizeBytes, 'fat_length', `the table ends at ${hex(end)}, the image at ${hex(source.sizeBytes)}`);
  return geometry;
}

function checkSignatures(bytes: Uint8Array, raw: Raw): void {
  if (!hasName(bytes)) throw corrupt('Cannot read boot sector: it is not named "EXFAT"', FILE_SYSTEM_NAME_OFFSET);
  ensure(raw.signature === BOOT_SIGNATURE, 'signature', `it is ${hex(raw.signature)}, expected 0xaa55`);
  if (bytes.subarray(MUST_BE_ZERO.start, MUST_BE_ZERO.end).some((byte) => byte !== 0)) {
    throw corrupt('Cannot read boot sector: there is something where FAT has its numbers', MUST_BE_ZERO.start);
  }
  const major = raw.fs_revision >> 8;
  if (major === 1) return;
  const place = { format: 'exfat', offset: BOOT_SECTOR.fs_revision[0] };
  throw new DiskError('unsupported', `Cannot open filesystem: its revision is ${major}, expected 1`, place);
}

/** What the rest of the reader relies on. */
function checkSizes(raw: Raw): void {
  const { sect_size_bits: sectorBits, sect_per_clus_bits: perClusterBits } = raw;
  ensure(sectorBits >= MIN_SECTOR_BITS && sectorBits <= MAX_SECTOR_BITS, 'sect_size_bits', `it is ${sectorBits}`);
  ensure(perClusterBits <= MAX_CLUSTER_BITS - sectorBits, 'sect_per_clus_bits', `it is ${perClusterBits}`);
  ensure(raw.num_fats === 1 || raw.num_fats === 2, 'num_fats', `it is ${raw.num_fats}, expected 1 or 2`);
  ensure(raw.vol_length <= Number.MAX_SAFE_INTEGER / 2 ** sectorBits, 'vol_length', `${raw.vol_length} sectors`);
  const { clu_count: clusters } = raw;
  ensure(clusters > 0 && clusters <= MAX_CLUSTER_COUNT, 'clu_count', `it is ${clusters}`);
  const entryBytes = (clusters + FIRST_CLUSTER) * TABLE_ENTRY_SIZE;
  const tableBytes = raw.fat_length * 2 ** sectorBits;
  ensure(tableBytes >= entryBytes, 'fat_length', `the table has ${tableBytes} bytes for ${clusters} clusters`);
  const tablesEnd = raw.fat_offset + raw.fat_length * raw.num_fats;
  ensure(
    raw.clu_offset >= tablesEnd,
    'clu_offset',
    `clusters begin in sector ${raw.clu_offset}, tables end in ${tablesEnd}`,
  );
  const end = raw.clu_offset + clusters * 2 ** perClusterBits;
  ensure(end <= raw.vol_length, 'clu_count', `clusters end in sector ${end} of ${raw.vol_length}`);
}

/** Eleven sectors are checked; the one behind them says the sum over and over. */
function checkChecksum(source: ByteSource, sectorBytes: number): void {
  const offset = CHECKED_SECTORS * sectorBytes;
  if (offset + sectorBytes > source.sizeBytes) {
    throw corrupt(`Cannot read boot region: the image ends at ${hex(source.sizeBytes)}`, source.sizeBytes);
  }
  const stored = readFields(source.read(offset, 4), { checksum: [0, 'u32'] } as const).checksum;
  const computed = checksum32(source.read(0, offset), (index) => UNCHECKED_BYTES.has(index));
  if (stored === computed) return;
  throw corrupt(`Cannot read boot region: its checksum is ${hex(stored)}, computed ${hex(computed)}`, offset);
}

function geometryOf(raw: Raw): Geometry {
  const sector = 2 ** raw.sect_size_bits;
  const activeTable = raw.num_fats === 2 && (raw.vol_flags & VOLUME_FLAG.ACTIVE_FAT) !== 0 ? 1 : 0;
  const length = raw.fat_length * sector;
  return {
    sizeBytes: raw.vol_length * sector,
    clusterBytes: sector * 2 ** raw.sect_per_clus_bits,
    clusterCount: raw.clu_count,
    dataOffset: raw.clu_offset * sector,
    rootCluster: raw.root_cluster,
    table: { offset: raw.fat_offset * sector + activeTable * length, length },
    activeTable,
    flags: raw.vol_flags,
  };
}

function ensure(holds: boolean, field: Field, state: string): void {
  if (!holds) throw corrupt(`Cannot read boot sector: bad ${field}: ${state}`, BOOT_SECTOR[field][0]);
}
