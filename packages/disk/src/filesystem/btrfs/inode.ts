import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { FileStat, FileTime } from '../file-system.ts';
import { permissionsOfMode, typeOfMode } from '../unix-mode.ts';
import { corrupt } from './error.ts';
import { has } from './features.ts';
import { key } from './key.ts';
import {
  INODE,
  INODE_ATIME,
  INODE_CTIME,
  INODE_MTIME,
  INODE_NODATASUM,
  INODE_OTIME,
  INODE_SIZE,
  ITEM,
} from './layout.ts';
import type { ItemTree } from './tree.ts';

export interface Inode {
  readonly stat: FileStat;
  /** Whether there are checksums of its content. */
  readonly hasChecksums: boolean;
  /** The address of the item, for errors. */
  readonly offset: number;
}

/** @throws DiskError `corrupt` when there is no such inode */
export function readInode(tree: ItemTree, number: number, subvolume: number): Inode {
  const item = tree.find(key(number, ITEM.INODE, 0));
  if (item === undefined) throw corrupt(`Cannot read inode ${number} of subvolume ${subvolume}: there is none`, 0);
  const { bytes, offset } = item;
  if (bytes.length < INODE_SIZE) {
    throw corrupt(`Cannot read inode ${number}: it has ${bytes.length} bytes, expected ${INODE_SIZE}`, offset);
  }
  const raw = readFields(bytes, INODE, { format: 'btrfs', offset });
  const stat = { ...statOf(number, raw, offset), subvolume, ...timesOf(bytes) };
  return { stat, hasChecksums: !has(raw.flags, INODE_NODATASUM), offset };
}

type Times = Pick<FileStat, 'modifiedAt' | 'changedAt' | 'accessedAt' | 'createdAt'>;

function statOf(number: number, raw: Fields<typeof INODE>, offset: number): Omit<FileStat, keyof Times> {
  const type = typeOfMode(raw.mode);
  if (type === undefined) throw corrupt(`Cannot read inode ${number}: bad mode ${hex(raw.mode)}`, offset);
  return {
    type,
    mode: permissionsOfMode(raw.mode),
    uid: raw.uid,
    gid: raw.gid,
    sizeBytes: raw.size,
    links: raw.nlink,
    inode: number,
    ...(type === 'character' || type === 'block' ? { device: deviceOf(raw.rdev) } : {}),
  };
}

/** As the kernel keeps device numbers in memory: 12 bits and 20. */
function deviceOf(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 20) & 0xfff, minor: rdev & 0xfffff };
}

function timesOf(bytes: Uint8Array): Times {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    modifiedAt: timeAt(view, INODE_MTIME),
    changedAt: timeAt(view, INODE_CTIME),
    accessedAt: timeAt(view, INODE_ATIME),
    createdAt: timeAt(view, INODE_OTIME),
  };
}

function timeAt(view: DataView, at: number): FileTime {
  const seconds = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  return { seconds, nanoseconds: view.getUint32(at + 8, true) };
}
