// FAT12, FAT16 and FAT32: little-endian, spelled as in the kernel's linux/msdos_fs.h
import type { Layout } from '../../fields.ts';

export const BOOT_SECTOR_SIZE = 512;
export const BOOT_SECTOR = {
  sector_size: [11, 'u16'],
  sec_per_clus: [13, 'u8'],
  reserved: [14, 'u16'],
  fats: [16, 'u8'],
  dir_entries: [17, 'u16'],
  sectors: [19, 'u16'],
  media: [21, 'u8'],
  fat_length: [22, 'u16'],
  total_sect: [32, 'u32'],
  fat16_state: [37, 'u8'],
  fat32_length: [36, 'u32'],
  fat32_flags: [40, 'u16'],
  fat32_root_cluster: [44, 'u32'],
  fat32_info_sector: [48, 'u16'],
  fat32_state: [65, 'u8'],
} as const satisfies Layout;

/** What other formats, which begin with a boot sector of the same build, write where FAT has its name. */
export const FOREIGN_NAMES: readonly (readonly [offset: number, text: string])[] = [
  [3, 'NTFS    '],
  [3, 'EXFAT   '],
  [3, '-FVE-FS-'],
  [0x36, 'HPFS    '],
  [0x36, 'JFS     '],
];

export const STATE_DIRTY = 0x1;
export const STATE_ERROR = 0x2;

/** With this flag one table is in use, by the number in the low bits; else all are written alike. */
export const FLAGS_NO_MIRROR = 0x80;
export const FLAGS_ACTIVE_FAT = 0xf;

export const FSINFO_SIZE = 512;
export const FSINFO = {
  signature1: [0, 'u32'],
  signature2: [484, 'u32'],
  free_clusters: [488, 'u32'],
} as const satisfies Layout;
export const FSINFO_SIGNATURE1 = 0x41615252;
export const FSINFO_SIGNATURE2 = 0x61417272;

export type FatBits = 12 | 16 | 32;
/** The most clusters that entries of a width can number. */
export const MAX_CLUSTERS: Readonly<Record<FatBits, number>> = { 12: 0xff4, 16: 0xfff4, 32: 0x0ffffff6 };
/** Entries from here on end a chain: first the mark of a bad cluster, which as a link means nothing else. */
export const CHAIN_END: Readonly<Record<FatBits, number>> = { 12: 0xff7, 16: 0xfff7, 32: 0x0ffffff7 };

/** The second entry of the table keeps two flags that are clear when something is wrong. */
export const STATE_ENTRY = 1;
export const STATE_ENTRY_FLAGS: Readonly<Record<FatBits, { readonly clean: number; readonly sound: number }>> = {
  12: { clean: 0, sound: 0 },
  16: { clean: 0x8000, sound: 0x4000 },
  32: { clean: 0x08000000, sound: 0x04000000 },
};

export const ENTRY_SIZE = 32;
export const ENTRY = {
  attr: [11, 'u8'],
  lcase: [12, 'u8'],
  ctime_cs: [13, 'u8'],
  ctime: [14, 'u16'],
  cdate: [16, 'u16'],
  adate: [18, 'u16'],
  starthi: [20, 'u16'],
  time: [22, 'u16'],
  date: [24, 'u16'],
  start: [26, 'u16'],
  size: [28, 'u32'],
} as const satisfies Layout;
export const ENTRY_ATTR = 11;
export const SHORT_NAME_SIZE = 11;
export const SHORT_BASE_SIZE = 8;

export const END_OF_FOLDER = 0x00;
export const DELETED = 0xe5;
/** Stands for a first byte of 0xe5, which would mean "deleted". */
export const ESCAPED_E5 = 0x05;

export const ATTR = { READ_ONLY: 0x01, VOLUME: 0x08, DIRECTORY: 0x10, LONG_NAME: 0x0f } as const;
/** The base or the extension of a name is written in capitals, and meant in small letters. */
export const CASE_LOWER_BASE = 0x08;
export const CASE_LOWER_EXTENSION = 0x10;

/** A slot of a long name: its number counts down to 1, the first one is marked. */
export const SLOT_CHECKSUM = 13;
export const LAST_SLOT = 0x40;
export const MAX_SLOTS = 20;
export const SLOT_UNITS: readonly number[] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
