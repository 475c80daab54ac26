import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { hasText, type Magic, magic, optional, peek, type Refinement, readIdentity, toLabel } from './format.ts';

const BOOT_SECTOR = {
  bytes_per_sector: [11, 'u16'],
  sectors_per_cluster: [13, 'u8'],
  reserved_sectors: [14, 'u16'],
  fats: [16, 'u8'],
  root_entries: [17, 'u16'],
  sectors_16: [19, 'u16'],
  media: [21, 'u8'],
  fat_sectors_16: [22, 'u16'],
  sectors_32: [32, 'u32'],
  fat_sectors_32: [36, 'u32'],
  root_cluster: [44, 'u32'],
  signature: [510, 'u16'],
} as const;

const ENTRY_SIZE = 32;
const ENTRY = { attributes: [11, 'u8'], cluster_high: [20, 'u16'], cluster_low: [26, 'u16'] } as const;
const ATTRIBUTE_VOLUME = 0x08;
const ATTRIBUTE_DIRECTORY = 0x10;
const ATTRIBUTE_LONG_NAME = 0x0f;
const DELETED = 0xe5;
// a first byte of 0xe5 is stored as 5, for it would mean "deleted"
const ESCAPED_E5 = 0x05;

const FAT12_CLUSTERS = 0xff4;
const FAT16_CLUSTERS = 0xfff4;
const FAT32_CLUSTERS = 0x0ffffff6;
const LONGEST_ROOT_CHAIN = 100;

/** The jump of any boot sector, or its signature: nothing to go by alone. */
const WEAK_MAGIC_LENGTH = 2;

export function refineFat(volume: ByteSource, found: Magic): Refinement | undefined {
  const sector = peek(volume, 0, 512);
  if (sector === undefined) return undefined;
  const boot = readFields(sector, BOOT_SECTOR);
  if (found.text.length <= WEAK_MAGIC_LENGTH && !mayBeFat(volume, boot.signature)) return undefined;
  const layout = layoutOf(boot);
  if (layout === undefined) return undefined;
  return {
    type: 'vfat',
    label: optional(() => rootLabel(volume, layout)),
    uuid: readIdentity(volume, { at: layout.isFat32 ? 67 : 39, form: 'serial32' }),
  };
}

// OS/2 put a boot sector like that of FAT in front of other filesystems
function mayBeFat(volume: ByteSource, signature: number): boolean {
  return signature === 0xaa55 && !hasText(volume, magic('JFS     ', 0x36)) && !hasText(volume, magic('HPFS    ', 0x36));
}

interface FatLayout {
  readonly isFat32: boolean;
  readonly fatOffset: number;
  readonly rootOffset: number;
  readonly rootBytes: number;
  readonly dataOffset: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly rootCluster: number;
}

/** `undefined` when the numbers are not those of a FAT. */
function layoutOf(boot: ReturnType<typeof readFields<typeof BOOT_SECTOR>>): FatLayout | undefined {
  const { bytes_per_sector: sector, sectors_per_cluster: perCluster } = boot;
  const isPlausible =
    boot.fats !== 0 &&
    boot.reserved_sectors !== 0 &&
    (boot.media === 0xf0 || boot.media >= 0xf8) &&
    isPowerOfTwo(perCluster) &&
    isPowerOfTwo(sector) &&
    sector >= 512 &&
    sector <= 4096;
  if (!isPlausible) return undefined;
  const fatSectors = boot.fat_sectors_16 || boot.fat_sectors_32;
  const rootSectors = Math.ceil((boot.root_entries * ENTRY_SIZE) / sector);
  const rootSector = boot.reserved_sectors + boot.fats * fatSectors;
  const dataSector = rootSector + rootSectors;
  const clusters = Math.floor(((boot.sectors_16 || boot.sectors_32) - dataSector) / perCluster);
  const isFat32 = boot.fat_sectors_16 === 0 && boot.fat_sectors_32 !== 0;
  const most = isFat32 ? FAT32_CLUSTERS : clusters > FAT12_CLUSTERS ? FAT16_CLUSTERS : FAT12_CLUSTERS;
  if (clusters < 0 || clusters > most) return undefined;
  return {
    isFat32,
    fatOffset: boot.reserved_sectors * sector,
    rootOffset: rootSector * sector,
    rootBytes: boot.root_entries * ENTRY_SIZE,
    dataOffset: dataSector * sector,
    clusterBytes: perCluster * sector,
    clusters,
    rootCluster: boot.root_cluster,
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

/** The label is the entry of the root folder that is one; what the boot sector says is not kept up to date. */
function rootLabel(volume: ByteSource, layout: FatLayout): string | undefined {
  for (const bytes of layout.isFat32
    ? rootClusters(volume, layout)
    : [volume.read(layout.rootOffset, layout.rootBytes)]) {
    const found = findLabel(bytes);
    if (found !== 'not here') return found.label;
  }
  return undefined;
}

function* rootClusters(volume: ByteSource, layout: FatLayout): Iterable<Uint8Array> {
  let cluster = layout.rootCluster;
  for (let count = 0; count < LONGEST_ROOT_CHAIN; count++) {
    if (cluster < 2 || cluster >= layout.clusters + 2) return;
    yield volume.read(layout.dataOffset + (cluster - 2) * layout.clusterBytes, layout.clusterBytes);
    const next = readFields(volume.read(layout.fatOffset + cluster * 4, 4), { next: [0, 'u32'] } as const).next;
    cluster = next & 0x0fffffff;
  }
}

function findLabel(bytes: Uint8Array): { readonly label: string | undefined } | 'not here' {
  for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
    const entry = bytes.subarray(at, at + ENTRY_SIZE);
    if (entry[0] === 0) return { label: undefined };
    if (entry[0] === DELETED || !isLabel(entry)) continue;
    const name = Uint8Array.from(entry.subarray(0, 11));
    if (name[0] === ESCAPED_E5) name[0] = DELETED;
    const label = toLabel(name);
    return { label: label === 'NO NAME' ? undefined : label };
  }
  return 'not here';
}

function isLabel(entry: Uint8Array): boolean {
  const { attributes, cluster_high, cluster_low } = readFields(entry, ENTRY);
  if ((attributes & 0x3f) === ATTRIBUTE_LONG_NAME || cluster_high !== 0 || cluster_low !== 0) return false;
  return (attributes & (ATTRIBUTE_VOLUME | ATTRIBUTE_DIRECTORY)) === ATTRIBUTE_VOLUME;
}
