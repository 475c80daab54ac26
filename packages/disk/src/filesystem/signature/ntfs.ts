import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { hasText, magic, optional, type Refinement, toLabel } from './format.ts';

const BOOT_SECTOR = {
  bytes_per_sector: [11, 'u16'],
  sectors_per_cluster: [13, 'u8'],
  mft_cluster: [48, 'u64'],
  clusters_per_record: [64, 'i8'],
} as const;
const RECORD = { attributes_offset: [20, 'u16'] } as const;
const ATTRIBUTE = {
  type: [0, 'u32'],
  length: [4, 'u32'],
  value_length: [16, 'u32'],
  value_offset: [20, 'u16'],
} as const;
const ATTRIBUTE_VOLUME_NAME = 0x60;
const ATTRIBUTE_END = 0xffffffff;
const ATTRIBUTE_HEADER_SIZE = 24;
const VOLUME_RECORD = 3;
const LARGEST_RECORD = 64 * 1024;

export function refineNtfs(volume: ByteSource): Refinement | undefined {
  const boot = readFields(volume.read(0, 512), BOOT_SECTOR);
  const sector = boot.bytes_per_sector;
  if (sector < 256 || sector > 4096 || (sector & (sector - 1)) !== 0 || boot.sectors_per_cluster === 0)
    return undefined;
  return { label: optional(() => volumeName(volume, boot)) };
}

function volumeName(volume: ByteSource, boot: ReturnType<typeof readFields<typeof BOOT_SECTOR>>): string | undefined {
  // numbers above 128 are exponents with their sign turned
  const perCluster = boot.sectors_per_cluster;
  const clusterBytes = boot.bytes_per_sector * (perCluster > 128 ? 2 ** (256 - perCluster) : perCluster);
  const perRecord = boot.clusters_per_record;
  const recordBytes = perRecord < 0 ? 2 ** -perRecord : perRecord * clusterBytes;
  if (recordBytes > LARGEST_RECORD) return undefined;
  const offset = boot.mft_cluster * clusterBytes + VOLUME_RECORD * recordBytes;
  return hasText(volume, magic('FILE', offset)) ? nameOf(volume.read(offset, recordBytes)) : undefined;
}

function nameOf(record: Uint8Array): string | undefined {
  let at = readFields(record, RECORD).attributes_offset;
  while (at + ATTRIBUTE_HEADER_SIZE <= record.length) {
    const attribute = readFields(record.subarray(at), ATTRIBUTE);
    if (attribute.type === ATTRIBUTE_END || attribute.length === 0) return undefined;
    const value = at + attribute.value_offset;
    if (attribute.type === ATTRIBUTE_VOLUME_NAME) {
      return toLabel(record.subarray(value, value + attribute.value_length), 'utf-16le');
    }
    at += attribute.length;
  }
  return undefined;
}
