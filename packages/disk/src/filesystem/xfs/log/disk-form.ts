import {
  BTREE_ROOT_HEADER_SIZE,
  DI_ATIME,
  DI_BIG_NEXTENTS,
  DI_CRTIME,
  DI_CTIME,
  DI_INO,
  DI_MTIME,
  EXTENT_SIZE,
  INODE_CORE_SIZE,
  INODE_FLAG2,
  INODE_V3_CORE_SIZE,
  LONG_BTREE_CRC_HEADER_SIZE,
  LONG_BTREE_HEADER_SIZE,
} from '../layout.ts';

/** The fields of an inode that are the same whatever its features are: where they are, and how long. */
const FIELDS: readonly (readonly [offset: number, size: number])[] = [
  [0x00, 2], // di_magic
  [0x02, 2], // di_mode
  [0x06, 2], // di_onlink
  [0x08, 4], // di_uid
  [0x0c, 4], // di_gid
  [0x10, 4], // di_nlink
  [0x14, 2], // di_projid_lo
  [0x16, 2], // di_projid_hi
  [0x38, 8], // di_size
  [0x40, 8], // di_nblocks
  [0x48, 4], // di_extsize
  [0x4c, 4], // di_nextents, or di_big_anextents
  [0x54, 4], // di_dmevmask
  [0x58, 2], // di_dmstate
  [0x5a, 2], // di_flags
  [0x5c, 4], // di_gen
  [0x60, 4], // di_next_unlinked
];
const FIELDS_V3: readonly (readonly [offset: number, size: number])[] = [
  [0x68, 8], // di_changecount
  [0x78, 8], // di_flags2
  [0x80, 4], // di_cowextsize
  [DI_INO, 8],
];
const DI_FLUSHITER = 0x1e;
const DI_ANEXTENTS = 0x50;
const DI_FLAGS2 = 0x78;

/** The core of an inode as the disk has it, from the byte order of the machine that logged it: what stays as it is are single bytes. */
export function toDiskInode(logged: Uint8Array, version: 4 | 5): Uint8Array {
  const size = version === 5 ? INODE_V3_CORE_SIZE : INODE_CORE_SIZE;
  const core = new Uint8Array(size);
  core.set(logged.subarray(0, size));
  const flags2 = version === 5 ? new DataView(core.buffer).getBigUint64(DI_FLAGS2, true) : 0n;
  const isWide = (flags2 & INODE_FLAG2.NREXT64) !== 0n;
  const timeSizes = (flags2 & INODE_FLAG2.BIGTIME) !== 0n ? [8] : [4, 4];
  for (const [offset, length] of [...FIELDS, ...(version === 5 ? FIELDS_V3 : [])]) swap(core, offset, length);
  if (isWide) swap(core, DI_BIG_NEXTENTS, 8);
  else for (const field of [DI_FLUSHITER, DI_ANEXTENTS]) swap(core, field, 2);
  for (const time of [DI_ATIME, DI_MTIME, DI_CTIME, ...(version === 5 ? [DI_CRTIME] : [])]) {
    timeSizes.forEach((length, index) => {
      swap(core, time + index * length, length);
    });
  }
  return core;
}

function swap(bytes: Uint8Array, offset: number, length: number): void {
  bytes.subarray(offset, offset + length).reverse();
}

/** The root of a tree of extents as an inode has it: it is logged as a block, header and all; `undefined` when it does not fit. */
export function toDiskRoot(logged: Uint8Array, forkSize: number, version: 4 | 5): Uint8Array | undefined {
  const header = version === 5 ? LONG_BTREE_CRC_HEADER_SIZE : LONG_BTREE_HEADER_SIZE;
  const loggedRoom = Math.floor((logged.length - header) / EXTENT_SIZE);
  const room = Math.floor((forkSize - BTREE_ROOT_HEADER_SIZE) / EXTENT_SIZE);
  const levelAt = 4;
  const count = ((logged[levelAt + 2] ?? 0) << 8) | (logged[levelAt + 3] ?? 0);
  if (count > loggedRoom || count > room) return undefined;
  const root = new Uint8Array(forkSize);
  root.set(logged.subarray(levelAt, levelAt + BTREE_ROOT_HEADER_SIZE));
  const half = EXTENT_SIZE / 2;
  root.set(logged.subarray(header, header + count * half), BTREE_ROOT_HEADER_SIZE);
  const pointers = header + loggedRoom * half;
  root.set(logged.subarray(pointers, pointers + count * half), BTREE_ROOT_HEADER_SIZE + room * half);
  return root;
}
