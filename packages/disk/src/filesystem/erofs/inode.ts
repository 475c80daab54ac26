import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { FileStat } from '../file-system.ts';
import { permissionsOfMode, splitDevice, typeOfMode } from '../unix-mode.ts';
import { corrupt, unsupported } from './error.ts';
import {
  COMPACT_INODE,
  COMPACT_INODE_SIZE,
  DATA_LAYOUTS,
  EXTENDED_INODE,
  EXTENDED_INODE_SIZE,
  INODE_FORMAT,
  INODE_UNIT,
  XATTR_HEADER_SIZE,
} from './layout.ts';
import type { ErofsVolume } from './volume.ts';

export interface Inode {
  readonly stat: FileStat;
  readonly at: number;
  readonly layout: (typeof DATA_LAYOUTS)[number];
  /** A block, a form of chunks, or a device, by the layout and type. */
  readonly word: number;
  readonly xattrs: { readonly at: number; readonly length: number };
  /** Where what the layout keeps in the inode begins: behind the attributes. */
  readonly tailAt: number;
}

/** Inodes are numbered by where they are, so every number is read as if there were one. */
export function readInode(volume: ErofsVolume, number: number): Inode {
  const at = volume.superblock.inodesAt + number * INODE_UNIT;
  const place = { format: 'erofs', offset: at };
  const { i_format, i_xattr_icount, i_mode } = readFields(volume.read(at, COMPACT_INODE_SIZE), INODE_FORMAT, place);
  const type = typeOfMode(i_mode);
  if (type === undefined) throw corrupt(`Cannot read inode ${number}: mode is ${hex(i_mode)}`, at);
  const isExtended = (i_format & 1) !== 0;
  const layout = DATA_LAYOUTS[(i_format >>> 1) & 7];
  if (layout === undefined || i_format >>> 4 !== 0) {
    throw unsupported(`Cannot read inode ${number}: its format is ${hex(i_format)}, which is not known`, at);
  }
  const own = isExtended ? extendedFields(volume, at) : compactFields(volume, at);
  const xattrLength = i_xattr_icount === 0 ? 0 : XATTR_HEADER_SIZE + (i_xattr_icount - 1) * 4;
  const xattrsAt = at + (isExtended ? EXTENDED_INODE_SIZE : COMPACT_INODE_SIZE);
  const { word, time, ...kept } = own;
  const isDevice = type === 'character' || type === 'block';
  return {
    stat: {
      type,
      mode: permissionsOfMode(i_mode),
      ...kept,
      inode: number,
      // the only time that is kept
      ...{ modifiedAt: time, changedAt: time, accessedAt: time },
      ...(isDevice && { device: splitDevice(word) }),
    },
    at,
    layout,
    word,
    xattrs: { at: xattrsAt, length: xattrLength },
    tailAt: xattrsAt + xattrLength,
  };
}

function compactFields(volume: ErofsVolume, at: number) {
  const fields = readFields(volume.read(at, COMPACT_INODE_SIZE), COMPACT_INODE);
  const { i_nlink: links, i_size: sizeBytes, i_u: word, i_uid: uid, i_gid: gid } = fields;
  return { links, sizeBytes, word, uid, gid, time: volume.superblock.builtAt };
}

function extendedFields(volume: ErofsVolume, at: number) {
  const bytes = volume.read(at, EXTENDED_INODE_SIZE);
  const fields = readFields(bytes, EXTENDED_INODE, { format: 'erofs', offset: at });
  const { i_nlink: links, i_size: sizeBytes, i_u: word, i_uid: uid, i_gid: gid } = fields;
  const time = { seconds: Number(BigInt.asIntN(64, fields.i_mtime)), nanoseconds: fields.i_mtime_nsec };
  return { links, sizeBytes, word, uid, gid, time };
}
