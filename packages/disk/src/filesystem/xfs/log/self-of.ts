import {
  AGF_MAGIC,
  AGF_SELF,
  AGFL_MAGIC,
  AGFL_SELF,
  AGI_MAGIC,
  AGI_SELF,
  BMAP_CRC_MAGIC,
  BNO_CRC_MAGIC,
  DA_SELF,
  DIRECTORY_BLOCK_CRC_MAGIC,
  DIRECTORY_DATA_CRC_MAGIC,
  DIRECTORY_SELF,
  LONG_BTREE_SELF,
  REMOTE_SELF,
  type SelfDescription,
  SHORT_BTREE_SELF,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_SELF,
  SYMLINK_MAGIC,
} from '../layout.ts';

// Kinds of blocks of version 5 that only the log has to know: trees of free space by size, of inodes, owners and references …
const SHORT_BTREE_MAGICS: readonly number[] = [
  BNO_CRC_MAGIC,
  0x41423343, // AB3C
  0x49414233, // IAB3
  0x46494233, // FIB3
  0x524d4233, // RMB3
  0x52334643, // R3FC
];
/** Folders' lists of where there is room. */
const DIRECTORY_FREE_CRC_MAGIC = 0x58444633;
/** Leaves and nodes of folders and attributes; their magic lies behind two pointers. */
const DA_MAGICS: readonly number[] = [0x3df1, 0x3dff, 0x3ebe, 0x3bee];

const SELVES: ReadonlyMap<number, SelfDescription> = new Map([
  [SUPERBLOCK_MAGIC, SUPERBLOCK_SELF],
  [AGF_MAGIC, AGF_SELF],
  [AGI_MAGIC, AGI_SELF],
  [AGFL_MAGIC, AGFL_SELF],
  ...SHORT_BTREE_MAGICS.map((magic) => [magic, SHORT_BTREE_SELF] as const),
  [BMAP_CRC_MAGIC, LONG_BTREE_SELF],
  [DIRECTORY_BLOCK_CRC_MAGIC, DIRECTORY_SELF],
  [DIRECTORY_DATA_CRC_MAGIC, DIRECTORY_SELF],
  [DIRECTORY_FREE_CRC_MAGIC, DIRECTORY_SELF],
  [SYMLINK_MAGIC, REMOTE_SELF],
]);

/** Where a block of metadata keeps its checksum and the rest, by its magic number. */
export function selfOf(bytes: Uint8Array): SelfDescription | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return SELVES.get(view.getUint32(0)) ?? (DA_MAGICS.includes(view.getUint16(8)) ? DA_SELF : undefined);
}
