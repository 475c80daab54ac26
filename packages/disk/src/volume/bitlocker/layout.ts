// BitLocker (FVE) on-disk format, as libbde documents it: little-endian

export const FVE_SIGNATURE = '-FVE-FS-';
export const BITLOCKER_ID = '4967d63b-2e29-4ad8-8399-f6a339e3d001';
/** Of a volume where sectors are encrypted as they are written first. */
export const ENCRYPT_ON_WRITE_ID = '92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8';

export const VOLUME_HEADER_SIZE = 512;
export const VOLUME_HEADER = {
  bytesPerSector: [11, 'u16'],
  sectorsPerCluster: [13, 'u8'],
  /** Vista: where the number of the first cluster of the copy of the MFT is in NTFS. */
  metadataCluster: [56, 'u64'],
} as const;
export const SIGNATURE_AT = 3;
export const MFT_COPY_AT = 56;
/** Where the identifier is, and after it the three offsets of the metadata: from Windows 7 on, and of BitLocker To Go. */
export const ID_OFFSETS = [160, 424] as const;
export const METADATA_OFFSETS = { first: [16, 'u64'], second: [24, 'u64'], third: [32, 'u64'] } as const;

/** Each copy of the metadata has this much room. */
export const METADATA_ROOM = { 1: 16 * 1024, 2: 64 * 1024 } as const;
export const BLOCK_HEADER_SIZE = 64;
export const BLOCK_HEADER = {
  /** Version 2: in units of 16 bytes. What follows them is the validation. */
  size: [8, 'u16'],
  version: [10, 'u16'],
  state: [12, 'u16'],
  nextState: [14, 'u16'],
  encryptedBytes: [16, 'u64'],
  headerSectors: [28, 'u32'],
  first: [32, 'u64'],
  second: [40, 'u64'],
  third: [48, 'u64'],
  /** Version 1: number of the first cluster of the copy of the MFT. Version 2: where the header of the volume lies. */
  headerOffset: [56, 'u64'],
} as const;

export const METADATA_HEADER_SIZE = 48;
export const METADATA_HEADER = {
  size: [0, 'u32'],
  version: [4, 'u32'],
  headerSize: [8, 'u32'],
  method: [36, 'u16'],
} as const;
export const VOLUME_GUID_AT = 16;

export const VALIDATION_SIZE = 8;
export const VALIDATION = { crc32: [4, 'u32'] } as const;

export const STATE = { encrypted: 4, paused: 5 } as const;

export const ENTRY_HEADER_SIZE = 8;
export const ENTRY_HEADER = { size: [0, 'u16'], type: [2, 'u16'], valueType: [4, 'u16'] } as const;
export const ENTRY_TYPE = { property: 0, volumeMasterKey: 2, volumeKey: 3, startupKey: 6, volumeHeader: 15 } as const;
export const VALUE_TYPE = {
  key: 1,
  stretchKey: 3,
  encryptedKey: 5,
  volumeMasterKey: 8,
  externalKey: 9,
  range: 15,
} as const;

/** Key identifier, time, then what protects it. */
export const MASTER_KEY = { protection: [26, 'u16'] } as const;
export const MASTER_KEY_PROPERTIES_AT = 28;
export const EXTERNAL_KEY_PROPERTIES_AT = 24;
export const PROTECTION = { clearKey: 0, startupKey: 0x200, recoveryKey: 0x800, password: 0x2000 } as const;
export const PROTECTION_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0000, 'clear key'],
  [0x0100, 'TPM'],
  [0x0200, 'startup key'],
  [0x0500, 'TPM and PIN'],
  [0x0800, 'recovery key'],
  [0x1000, 'smart card'],
  [0x2000, 'password'],
]);

export const KEY_DATA_AT = 4;
export const STRETCH_SALT = [4, 20] as const;
export const STRETCH_ITERATIONS = 2 ** 20;
export const MASTER_KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
