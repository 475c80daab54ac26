// NTFS 1.2 to 3.1: little-endian, spelled as in the headers of ntfs-3g (layout.h)
import type { Layout } from '../../fields.ts';

export const BOOT_SECTOR_SIZE = 512;
export const OEM_ID = 'NTFS    ';
export const OEM_ID_OFFSET = 3;
export const BOOT_SECTOR = {
  bytes_per_sector: [11, 'u16'],
  sectors_per_cluster: [13, 'u8'],
  number_of_sectors: [40, 'u64'],
  mft_lcn: [48, 'u64'],
  mftmirr_lcn: [56, 'u64'],
  clusters_per_mft_record: [64, 'i8'],
} as const satisfies Layout;
/** More sectors per cluster than this are an exponent of two with its sign turned. */
export const MAX_SECTORS_PER_CLUSTER = 128;
export const MIN_SECTOR_BYTES = 512;
export const MAX_SECTOR_BYTES = 4096;
export const MAX_CLUSTER_BYTES = 2 * 1024 * 1024;
/** Of records of the file table, and of index blocks. */
export const MIN_RECORD_BYTES = 512;
export const MAX_RECORD_BYTES = 64 * 1024;

/** What records begin with; fix-ups are at an offset and of a count that it says. */
export const RECORD_HEADER = {
  magic: [0, 'u32'],
  usa_ofs: [4, 'u16'],
  usa_count: [6, 'u16'],
} as const satisfies Layout;
/** `FILE`, `INDX`, `RSTR` and `BAAD` (chkdsk has given it up) as numbers. */
export const MAGIC = {
  FILE: 0x454c4946,
  INDX: 0x58444e49,
  RSTR: 0x52545352,
  CHKD: 0x444b4843,
  BAAD: 0x44414142,
} as const;
/** The end of every stride of this size is kept aside, to tell a torn write; also where sectors are larger. */
export const FIXUP_STRIDE = 512;

export const FILE_RECORD = {
  sequence_number: [16, 'u16'],
  link_count: [18, 'u16'],
  attrs_offset: [20, 'u16'],
  flags: [22, 'u16'],
  bytes_in_use: [24, 'u32'],
  base_mft_record: [32, 'u32'],
  base_mft_record_high: [36, 'u16'],
  base_sequence: [38, 'u16'],
} as const satisfies Layout;
export const RECORD_FLAG = { IN_USE: 0x1, DIRECTORY: 0x2 } as const;

/** Records of the system's own files. */
export const RECORD = {
  MFT: 0,
  VOLUME: 3,
  ROOT: 5,
  BITMAP: 6,
  LOG_FILE: 2,
  SECURE: 9,
  UPCASE: 10,
  FIRST_USER: 16,
} as const;

export const ATTRIBUTE_TYPE = {
  STANDARD_INFORMATION: 0x10,
  ATTRIBUTE_LIST: 0x20,
  FILE_NAME: 0x30,
  OBJECT_ID: 0x40,
  SECURITY_DESCRIPTOR: 0x50,
  VOLUME_NAME: 0x60,
  VOLUME_INFORMATION: 0x70,
  DATA: 0x80,
  INDEX_ROOT: 0x90,
  INDEX_ALLOCATION: 0xa0,
  REPARSE_POINT: 0xc0,
  EA: 0xe0,
  END: 0xffffffff,
} as const;
export const ATTRIBUTE_HEADER_SIZE = 16;
export const ATTRIBUTE = {
  type: [0, 'u32'],
  length: [4, 'u32'],
  non_resident: [8, 'u8'],
  name_length: [9, 'u8'],
  name_offset: [10, 'u16'],
  flags: [12, 'u16'],
  instance: [14, 'u16'],
} as const satisfies Layout;
export const ATTRIBUTE_FLAG = { COMPRESSION_MASK: 0xff, LZNT1: 0x1, ENCRYPTED: 0x4000, SPARSE: 0x8000 } as const;
export const RESIDENT = { value_length: [16, 'u32'], value_offset: [20, 'u16'] } as const satisfies Layout;
export const NON_RESIDENT = {
  lowest_vcn: [16, 'u64'],
  mapping_pairs_offset: [32, 'u16'],
  compression_unit: [34, 'u8'],
} as const satisfies Layout;
/** Units of compression are 16 clusters, of at most 4 KiB; more is not unpacked at once. */
export const MAX_UNIT_BYTES = 1024 * 1024;
/** Only in the first of the pieces that an attribute is kept in. */
export const NON_RESIDENT_SIZES = {
  allocated_size: [40, 'u64'],
  data_size: [48, 'u64'],
  initialized_size: [56, 'u64'],
} as const satisfies Layout;
/** Windows makes none that are longer. */
export const MAX_ATTRIBUTE_LIST_BYTES = 256 * 1024;
export const ATTRIBUTE_LIST_ENTRY_SIZE = 26;
export const ATTRIBUTE_LIST_ENTRY = {
  type: [0, 'u32'],
  length: [4, 'u16'],
  mft_reference: [16, 'u32'],
  mft_reference_high: [20, 'u16'],
  mft_sequence: [22, 'u16'],
} as const satisfies Layout;

export const STANDARD_INFORMATION = {
  creation_time: [0, 'bits64'],
  last_data_change_time: [8, 'bits64'],
  last_mft_change_time: [16, 'bits64'],
  last_access_time: [24, 'bits64'],
  file_attributes: [32, 'u32'],
} as const satisfies Layout;
/** Since NTFS 3.0. */
export const SECURITY_ID = { security_id: [52, 'u32'] } as const satisfies Layout;
/** Versions of files were never kept. A folder of which there are none, but whose own is 1, tells case apart. */
export const VERSIONS = { maximum_versions: [36, 'u32'], version_number: [40, 'u32'] } as const satisfies Layout;
export const FILE_ATTRIBUTE = { SYSTEM: 0x4, HIDDEN: 0x2, REPARSE_POINT: 0x400, ENCRYPTED: 0x4000 } as const;

export const FILE_NAME_SIZE = 66;
export const FILE_NAME = {
  file_attributes: [56, 'u32'],
  name_length: [64, 'u8'],
  name_space: [65, 'u8'],
} as const satisfies Layout;
/** Of folders as Windows shows them. */
export const FOLDER_ATTRIBUTE = 0x10;
/** What tells a folder in FILE_NAME; a file's own attributes do not say it. */
export const INDEXED_FOLDER = 0x10000000;
export const FOLDER_INDEX = '$I30';
/** A name for DOS stands beside another one, and is for looking up only. */
export const DOS_NAME = 2;

export const INDEX_ROOT = { type: [0, 'u32'], index_block_size: [8, 'u32'] } as const satisfies Layout;
export const INDEX_ROOT_SIZE = 16;
export const INDEX_BLOCK = { index_block_vcn: [16, 'u64'] } as const satisfies Layout;
export const INDEX_BLOCK_SIZE = 24;
/** Offsets in it are from its own start. */
export const INDEX_HEADER = { entries_offset: [0, 'u32'], index_length: [4, 'u32'] } as const satisfies Layout;
export const INDEX_HEADER_SIZE = 16;
export const INDEX_ENTRY_SIZE = 16;
export const INDEX_ENTRY = {
  mft_reference: [0, 'u32'],
  mft_reference_high: [4, 'u16'],
  mft_sequence: [6, 'u16'],
  length: [8, 'u16'],
  key_length: [10, 'u16'],
  flags: [12, 'u16'],
} as const satisfies Layout;
/** In indexes that are not of folders, the data stand where folders have the reference. */
export const VIEW_INDEX_ENTRY = { data_offset: [0, 'u16'] } as const satisfies Layout;
export const INDEX_ENTRY_FLAG = { HAS_SUBNODE: 0x1, END: 0x2 } as const;
/** Blocks that are smaller than a cluster are numbered in units of this size. */
export const SMALL_VCN_BYTES = 512;

export const VOLUME_INFORMATION = {
  major_ver: [8, 'u8'],
  minor_ver: [9, 'u8'],
  flags: [10, 'u16'],
} as const satisfies Layout;
export const VOLUME_FLAG = { DIRTY: 0x1 } as const;
export const MAX_VERSION = 3;

export const UPCASE_CHARACTERS = 65_536;

export const REPARSE_POINT = { tag: [0, 'u32'], data_length: [4, 'u16'] } as const satisfies Layout;
export const REPARSE_POINT_SIZE = 8;
/** What Windows lets a file have. */
export const MAX_REPARSE_BYTES = 16 * 1024;
export const REPARSE_TAG = {
  MOUNT_POINT: 0xa0000003,
  SYMLINK: 0xa000000c,
  LX_SYMLINK: 0xa000001d,
  AF_UNIX: 0x80000023,
  LX_FIFO: 0x80000024,
  LX_CHR: 0x80000025,
  LX_BLK: 0x80000026,
  WOF: 0x80000017,
  HSM: 0xc0000004,
  HSM2: 0x80000006,
  SIS: 0x80000007,
  WIM: 0x80000008,
  DEDUP: 0x80000013,
  NFS: 0x80000014,
  CLOUD: 0x9000001a,
  PROJFS: 0x9000001c,
} as const;
/** Cloud files have 16 tags, which differ in these bits. */
export const CLOUD_TAG_BITS = 0xf000;
export const MOUNT_POINT = {
  substitute_name_offset: [0, 'u16'],
  substitute_name_length: [2, 'u16'],
} as const satisfies Layout;
/** Where the names begin. */
export const MOUNT_POINT_SIZE = 8;
export const SYMLINK = { ...MOUNT_POINT, flags: [8, 'u32'] } as const satisfies Layout;
export const SYMLINK_SIZE = 12;
export const LINK_RELATIVE = 0x1;
/** Behind the version. */
export const LX_SYMLINK_TARGET = 4;

/** Files of Interix that are something special begin with eight bytes that say so; what is longer than a path is none. */
export const INTERIX_MAGIC_SIZE = 8;
export const INTERIX_MAX_BYTES = INTERIX_MAGIC_SIZE + 2 * 4096;
export const INTERIX_DEVICE = { major: [8, 'u64'], minor: [16, 'u64'] } as const satisfies Layout;
export const INTERIX_DEVICE_SIZE = 24;

/** The start of the log: pages of the system's size, of which each says the same. */
export const RESTART_PAGE = {
  system_page_size: [16, 'u32'],
  restart_area_offset: [24, 'u16'],
} as const satisfies Layout;
export const RESTART_AREA = {
  current_lsn: [0, 'bits64'],
  client_in_use_list: [12, 'u16'],
  flags: [14, 'u16'],
} as const satisfies Layout;
export const NO_CLIENTS = 0xffff;
export const VOLUME_IS_CLEAN = 0x2;

export const SECURITY_IDS = '$SII';
export const SECURITY_STREAM = '$SDS';
/** In the index by number, and again before each descriptor. */
export const SECURITY_ENTRY = { offset: [8, 'u64'], length: [16, 'u32'] } as const satisfies Layout;
export const SECURITY_ENTRY_SIZE = 20;
export const MAX_DESCRIPTOR_BYTES = 64 * 1024;
export const MAX_EA_BYTES = 64 * 1024;

/** What a reparse point of WOF says: who keeps the content (an archive, or the file itself), and how it is packed. */
export const WOF_POINT = {
  version: [0, 'u32'],
  provider: [4, 'u32'],
  provider_version: [8, 'u32'],
  algorithm: [12, 'u32'],
} as const satisfies Layout;
export const WOF_PROVIDER = { WIM: 1, FILE: 2 } as const;
export const WOF_STREAM = 'WofCompressedData';
/** Where chunks begin is told in four bytes each, or in eight where there is more. */
export const WOF_MAX_NARROW_BYTES = 2 ** 32;
