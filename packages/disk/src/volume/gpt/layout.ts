// GUID partition table, UEFI 2.10 chapter 5: little-endian; the header is in sector 1, its backup in the last sector

export const GPT_SIGNATURE = 0x5452415020494645n; // 'EFI PART'
export const GPT_SECTOR_SIZES = [512, 4096, 2048] as const;
export const GPT_HEADER_SIZE = 92;

export const GPT_HEADER = {
  signature: [0, 'bits64'],
  revision: [8, 'u32'],
  header_size: [12, 'u32'],
  header_crc32: [16, 'u32'],
  my_lba: [24, 'u64'],
  alternate_lba: [32, 'u64'],
  first_usable_lba: [40, 'u64'],
  last_usable_lba: [48, 'u64'],
  partition_entry_lba: [72, 'u64'],
  number_of_partition_entries: [80, 'u32'],
  size_of_partition_entry: [84, 'u32'],
  partition_entry_array_crc32: [88, 'u32'],
} as const;
export const GPT_CRC_OFFSET = 16;
export const GPT_DISK_GUID_OFFSET = 56;

export const GPT_ENTRY_SIZE = 128;
export const GPT_ENTRY = {
  starting_lba: [32, 'u64'],
  ending_lba: [40, 'u64'],
  attributes: [48, 'bits64'],
} as const;
export const GPT_ENTRY_GUID_OFFSET = 16;
export const GPT_ENTRY_NAME = { start: 56, end: 128 } as const;

export const GPT_UNUSED = '00000000-0000-0000-0000-000000000000';
export const GPT_LEGACY_BOOTABLE = 1n << 2n;

/** As Linux bounds it. */
export const LARGEST_ENTRY_ARRAY = 4 * 2 ** 20;
