import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { FileStat, FileType } from '../file-system.ts';
import { permissionsOfMode, typeOfMode } from '../unix-mode.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { bigTime, classicTime } from './inode-time.ts';
import {
  DI_ATIME,
  DI_BIG_ANEXTENTS,
  DI_BIG_NEXTENTS,
  DI_CRC,
  DI_CRTIME,
  DI_CTIME,
  DI_LSN,
  DI_MTIME,
  DI_UUID,
  FORMAT,
  INODE,
  INODE_CORE_SIZE,
  INODE_FLAG2,
  INODE_MAGIC,
  INODE_V3,
  INODE_V3_CORE_SIZE,
} from './layout.ts';
import type { XfsVolume } from './volume.ts';

/** One of the two halves of an inode: what maps its content, or its attributes. */
export interface Fork {
  readonly format: number;
  readonly extentCount: number;
  readonly bytes: Uint8Array;
  /** Where `bytes` are in the filesystem, for errors. */
  readonly offset: number;
}

/** An inode as stored: checked against its checksum, its content not yet looked at. */
export interface Inode {
  readonly number: number;
  /** Where it is in the filesystem, for errors. */
  readonly offset: number;
  readonly stat: FileStat;
  readonly flags: number;
  readonly content: Fork;
  readonly attributes: Fork | undefined;
}

interface StoredInode {
  readonly number: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly fields: Fields<typeof INODE>;
  /** Before version 3 there are none. */
  readonly flags2: bigint;
}

export function readInode(volume: XfsVolume, number: number): Inode {
  const { inodesPerBlock, inodeSize } = volume.superblock;
  // the number of an inode is that of its block, and its place in there
  const block = volume.offsetOf(Math.floor(number / inodesPerBlock));
  const offset = block + (number % inodesPerBlock) * inodeSize;
  // a copy: the block it came from would be kept alive by every inode in it
  const stored = storedInode(volume, number, offset, volume.metadata(offset, inodeSize).slice());
  return { number, offset, stat: statOf(stored), flags: stored.fields.di_flags, ...forksOf(stored) };
}

function storedInode(volume: XfsVolume, number: number, offset: number, bytes: Uint8Array): StoredInode {
  const fields = readFields(bytes, INODE, { format: 'xfs', offset });
  const ensure = (field: string, stored: number, isRight: boolean) => {
    if (!isRight) throw corrupt(`Cannot read inode ${number}: ${field} is ${hex(stored)}`, offset);
  };
  ensure('di_magic', fields.di_magic, fields.di_magic === INODE_MAGIC);
  const isWhole = volume.superblock.version === 5;
  ensure('di_version', fields.di_version, isWhole ? fields.di_version === 3 : [1, 2].includes(fields.di_version));
  if (isWhole) checkSelf(volume.superblock, bytes, INODE_SELF, { what: `inode ${number}`, offset });
  const newer = isWhole ? readFields(bytes, INODE_V3, { format: 'xfs', offset }) : { di_flags2: 0n, di_ino: number };
  ensure('di_ino', newer.di_ino, newer.di_ino === number);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { number, offset, bytes, view, fields, flags2: newer.di_flags2 };
}

const INODE_SELF = { crc: DI_CRC, lsn: DI_LSN, uuid: DI_UUID };

function statOf(stored: StoredInode): FileStat {
  const { number, fields, flags2, view } = stored;
  const type = typeOf(stored);
  const timeAt = (flags2 & INODE_FLAG2.BIGTIME) === 0n ? classicTime : bigTime;
  return {
    type,
    mode: permissionsOfMode(fields.di_mode),
    uid: fields.di_uid,
    gid: fields.di_gid,
    sizeBytes: fields.di_size,
    links: linksOf(stored),
    inode: number,
    modifiedAt: timeAt(view, DI_MTIME),
    changedAt: timeAt(view, DI_CTIME),
    accessedAt: timeAt(view, DI_ATIME),
    ...(fields.di_version >= 3 && { createdAt: timeAt(view, DI_CRTIME) }),
    ...((type === 'character' || type === 'block') && { device: deviceOf(stored) }),
  };
}

function typeOf({ number, offset, fields, flags2 }: StoredInode): FileType {
  const type = typeOfMode(fields.di_mode);
  if (type === undefined) throw corrupt(`Cannot read inode ${number}: bad di_mode ${hex(fields.di_mode)}`, offset);
  if ((flags2 & INODE_FLAG2.METADATA) === 0n) return type;
  throw corrupt(`Cannot read inode ${number}: it is the filesystem's own, yet it is named`, offset);
}

function linksOf({ number, offset, fields }: StoredInode): number {
  const links = fields.di_version === 1 ? fields.di_onlink : fields.di_nlink;
  if (links > 0) return links;
  throw corrupt(`Cannot read inode ${number}: it was deleted, yet it is named`, offset + INODE.di_nlink[0]);
}

/** 14 bits for the major number and 18 for the minor one, as IRIX had them, where a file has its map. */
function deviceOf({ fields, view }: StoredInode): { readonly major: number; readonly minor: number } {
  const device = view.getUint32(coreSizeOf(fields.di_version));
  return { major: device >>> 18, minor: device & 0x3ffff };
}

function coreSizeOf(version: number): number {
  return version >= 3 ? INODE_V3_CORE_SIZE : INODE_CORE_SIZE;
}

function forksOf(stored: StoredInode): Pick<Inode, 'content' | 'attributes'> {
  const { bytes, fields, number, offset } = stored;
  const start = coreSizeOf(fields.di_version);
  const border = fields.di_forkoff === 0 ? bytes.length : start + fields.di_forkoff * 8;
  if (border > bytes.length) {
    throw corrupt(`Cannot read inode ${number}: di_forkoff is ${fields.di_forkoff}`, offset + INODE.di_forkoff[0]);
  }
  const { content, attributes } = extentCountsOf(stored);
  const fork = (format: number, extentCount: number, from: number, to: number): Fork => {
    return { format, extentCount, bytes: bytes.subarray(from, to), offset: offset + from };
  };
  return {
    content: fork(fields.di_format, content, start, border),
    attributes: fields.di_forkoff === 0 ? undefined : fork(fields.di_aformat, attributes, border, bytes.length),
  };
}

/** Where NREXT64 is set, wider numbers lie elsewhere. */
function extentCountsOf({ fields, view, flags2 }: StoredInode): { content: number; attributes: number } {
  if ((flags2 & INODE_FLAG2.NREXT64) === 0n) return { content: fields.di_nextents, attributes: fields.di_anextents };
  const content = view.getUint32(DI_BIG_NEXTENTS) * 2 ** 32 + view.getUint32(DI_BIG_NEXTENTS + 4);
  return { content, attributes: view.getUint32(DI_BIG_ANEXTENTS) };
}

export function isLocal({ format }: Fork): boolean {
  return format === FORMAT.LOCAL;
}
