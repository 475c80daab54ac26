// Virtual Hard Disk v2, [MS-VHDX] 8.0: little-endian. The first MiB holds identifier, two headers and two region tables; log,
// block allocation table (BAT), metadata and blocks follow, each at a multiple of 1 MiB

export const MIB = 2 ** 20;

export const FILE_SIGNATURE = 'vhdxfile';
export const CREATOR = { at: 8, sizeBytes: 512 } as const;

/** Where the checksum is in headers, region tables and log entries: it counts as zero while it is computed. */
export const CHECKSUM_AT = 4;

export const HEADER_OFFSETS = [64 * 1024, 128 * 1024] as const;
export const HEADER_SIZE = 4096;
export const HEADER_SIGNATURE = 'head';
export const HEADER_VERSION = 1;
export const HEADER = {
  SequenceNumber: [8, 'bits64'],
  LogVersion: [64, 'u16'],
  Version: [66, 'u16'],
  LogLength: [68, 'u32'],
  LogOffset: [72, 'u64'],
} as const;
export const HEADER_GUID = { FileWriteGuid: 16, DataWriteGuid: 32, LogGuid: 48 } as const;
export const NO_GUID = '00000000-0000-0000-0000-000000000000';

export const REGION_TABLE_OFFSETS = [192 * 1024, 256 * 1024] as const;
export const REGION_TABLE_SIZE = 64 * 1024;
export const REGION_TABLE_SIGNATURE = 'regi';
export const REGION_TABLE = { EntryCount: [8, 'u32'] } as const;
export const REGION_ENTRIES_AT = 16;
export const REGION_ENTRY_SIZE = 32;
export const REGION_ENTRY = { FileOffset: [16, 'u64'], Length: [24, 'u32'], Required: [28, 'u32'] } as const;
export const REGION = {
  bat: '2dc27766-f623-4200-9d64-115e9bfd4a08',
  metadata: '8b7ca206-4790-4b9a-b8fe-575f050f886e',
} as const;

export const METADATA_SIGNATURE = 'metadata';
export const METADATA_TABLE_SIZE = 64 * 1024;
export const METADATA_TABLE = { EntryCount: [10, 'u16'] } as const;
export const METADATA_ENTRIES_AT = 32;
export const METADATA_ENTRY_SIZE = 32;
export const METADATA_ENTRY = { Offset: [16, 'u32'], Length: [20, 'u32'], Flags: [24, 'u32'] } as const;
export const METADATA_FLAG = { isUser: 1, isRequired: 4 } as const;
export const ITEM = {
  fileParameters: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b',
  virtualDiskSize: '2fa54224-cd1b-4876-b211-5dbed83bf4b8',
  virtualDiskId: 'beca12ab-b2e6-4523-93ef-c309e000c746',
  logicalSectorSize: '8141bf1d-a96f-4709-ba47-f233a8faab5f',
  physicalSectorSize: 'cda348c7-445d-4471-9cc9-e9885251c556',
  parentLocator: 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c',
} as const;
export const FILE_PARAMETERS = { BlockSize: [0, 'u32'], Flags: [4, 'u32'] } as const;
export const FILE_PARAMETERS_FLAG = { leaveBlocksAllocated: 1, hasParent: 2 } as const;

export const LOCATOR_TYPE_VHDX = 'b04aefb7-d19e-4a81-b789-25b8e9445913';
export const LOCATOR = { KeyValueCount: [18, 'u16'] } as const;
export const LOCATOR_ENTRIES_AT = 20;
export const LOCATOR_ENTRY_SIZE = 12;
export const LOCATOR_ENTRY = {
  KeyOffset: [0, 'u32'],
  ValueOffset: [4, 'u32'],
  KeyLength: [8, 'u16'],
  ValueLength: [10, 'u16'],
} as const;

/** The low three bits of a BAT entry, for a block of the disk. 5 is what drafts of the format wrote for 3. */
export const BLOCK_STATES: Readonly<Record<number, 'not-present' | 'zero' | 'full' | 'partial'>> = {
  0: 'not-present',
  1: 'zero', // undefined: what is read is up to the reader, but never the parent's
  2: 'zero',
  3: 'zero', // unmapped
  5: 'zero',
  6: 'full',
  7: 'partial',
};
/** For a block of sector bitmaps. */
export const BITMAP_PRESENT = 6;
export const BITMAP_BLOCK_SIZE = MIB;
/** Sectors that one block of sector bitmaps tells of: after as many blocks follows an entry of the BAT for it. */
export const SECTORS_PER_BITMAP_BLOCK = 2 ** 23;

export const LOG_SECTOR = 4096;
export const LOG_VERSION = 0;
export const LOG_ENTRY_SIGNATURE = 'loge';
export const LOG_ENTRY = {
  EntryLength: [8, 'u32'],
  Tail: [12, 'u32'],
  SequenceNumber: [16, 'bits64'],
  DescriptorCount: [24, 'u32'],
  FlushedFileOffset: [48, 'bits64'],
  LastFileOffset: [56, 'bits64'],
} as const;
export const LOG_ENTRY_GUID_AT = 32;
export const LOG_ENTRY_HEADER_SIZE = 64;
export const DESCRIPTOR_SIZE = 32;
export const DATA_SIGNATURE = 'desc';
/** `LeadingBytes` and `TrailingBytes` are those that the signature and sequence number of a data sector take the place of. */
export const DATA_DESCRIPTOR = { FileOffset: [16, 'u64'], SequenceNumber: [24, 'bits64'] } as const;
export const TRAILING_BYTES = { at: 4, sizeBytes: 4 } as const;
export const LEADING_BYTES = { at: 8, sizeBytes: 8 } as const;
export const ZERO_SIGNATURE = 'zero';
export const ZERO_DESCRIPTOR = {
  ZeroLength: [8, 'u64'],
  FileOffset: [16, 'u64'],
  SequenceNumber: [24, 'bits64'],
} as const;
export const DATA_SECTOR_SIGNATURE = 'data';
export const DATA_SECTOR = { SequenceHigh: [4, 'u32'], SequenceLow: [4092, 'u32'] } as const;

/** Bounds of what an image may ask for: of the format, and of memory and time for what has none. */
export const LIMIT = {
  virtualSize: 64 * 2 ** 40,
  blockSize: { least: MIB, most: 256 * MIB },
  regions: 2047,
  metadataItems: 2047,
  metadataItemBytes: MIB,
  /** Logs are 1 MiB in practice. */
  replayedLogBytes: 32 * MIB,
  replayedWrites: 65_536,
} as const;
