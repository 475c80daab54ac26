import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { optional, type Refinement, toLabel } from './format.ts';

const BOOT_SECTOR = {
  fat_offset: [80, 'u32'],
  cluster_heap_offset: [88, 'u32'],
  cluster_count: [92, 'u32'],
  root_cluster: [96, 'u32'],
  bytes_per_sector_shift: [108, 'u8'],
  sectors_per_cluster_shift: [109, 'u8'],
} as const;
const ENTRY_SIZE = 32;
const ENTRY_LABEL = 0x83;
const LONGEST_LABEL = 11;
// as blkid: a root folder is read this far, not to the end of a hostile chain
const MOST_ENTRIES = 10_000;

export function refineExfat(volume: ByteSource): Refinement | undefined {
  const boot = readFields(volume.read(0, 512), BOOT_SECTOR);
  const isPlausible = boot.bytes_per_sector_shift >= 9 && boot.bytes_per_sector_shift <= 12;
  if (!isPlausible || boot.sectors_per_cluster_shift > 25 - boot.bytes_per_sector_shift) return undefined;
  return { label: optional(() => rootLabel(volume, boot)) };
}

function rootLabel(volume: ByteSource, boot: ReturnType<typeof readFields<typeof BOOT_SECTOR>>): string | undefined {
  const sector = 2 ** boot.bytes_per_sector_shift;
  const clusterBytes = sector * 2 ** boot.sectors_per_cluster_shift;
  let cluster = boot.root_cluster;
  for (let entries = 0; entries < MOST_ENTRIES; ) {
    if (cluster < 2 || cluster >= boot.cluster_count + 2) return undefined;
    const start = boot.cluster_heap_offset * sector + (cluster - 2) * clusterBytes;
    for (let at = 0; at < clusterBytes && entries < MOST_ENTRIES; at += ENTRY_SIZE, entries++) {
      const entry = volume.read(start + at, ENTRY_SIZE);
      if (entry[0] === 0) return undefined;
      if (entry[0] === ENTRY_LABEL)
        return toLabel(entry.subarray(2, 2 + 2 * Math.min(entry[1] ?? 0, LONGEST_LABEL)), 'utf-16le');
    }
    cluster = readFields(volume.read(boot.fat_offset * sector + cluster * 4, 4), { next: [0, 'u32'] } as const).next;
  }
  return undefined;
}
