import { readFields } from '../../fields.ts';
import type { FileStat, FileType } from '../file-system.ts';
import type { NtfsFile } from './file.ts';
import {
  ATTRIBUTE_TYPE,
  FILE_ATTRIBUTE,
  INTERIX_DEVICE,
  INTERIX_DEVICE_SIZE,
  INTERIX_MAGIC_SIZE,
  INTERIX_MAX_BYTES,
  REPARSE_TAG,
} from './layout.ts';
import { linkTarget } from './link-target.ts';
import { type ReparsePoint, readReparsePoint } from './reparse-point.ts';
import { readUnits } from './units.ts';

/** What a file is, beyond a file or folder. */
export interface FileKind {
  readonly type: FileType;
  /** Of a link. */
  readonly target?: string;
  readonly device?: NonNullable<FileStat['device']>;
  /** What is left to be understood when the content is read. */
  readonly point?: ReparsePoint;
}

/** Links, devices, pipes and sockets: of Windows, of its subsystem for Linux, and of Interix, whose kind ntfs-3g writes. */
export function kindOf(file: NtfsFile, attributes: number): FileKind {
  const point = (attributes & FILE_ATTRIBUTE.REPARSE_POINT) === 0 ? undefined : readReparsePoint(file);
  if (point !== undefined) return reparsedKind(file, point);
  if (file.record.isFolder) return { type: 'directory' };
  return (attributes & FILE_ATTRIBUTE.SYSTEM) === 0 ? { type: 'file' } : interixKind(file, attributes);
}

const REPARSED_TYPES: ReadonlyMap<number, FileType> = new Map([
  [REPARSE_TAG.AF_UNIX, 'socket'],
  [REPARSE_TAG.LX_FIFO, 'fifo'],
  [REPARSE_TAG.LX_CHR, 'character'],
  [REPARSE_TAG.LX_BLK, 'block'],
]);

function reparsedKind(file: NtfsFile, point: ReparsePoint): FileKind {
  const target = linkTarget(point);
  if (target !== undefined) return { type: 'symlink', target };
  const type = REPARSED_TYPES.get(point.tag);
  return type === undefined ? { type: file.record.isFolder ? 'directory' : 'file', point } : { type };
}

function interixKind(file: NtfsFile, attributes: number): FileKind {
  const content = file.metadata(ATTRIBUTE_TYPE.DATA);
  const size = content?.sizeBytes ?? 0;
  if (size < INTERIX_MAGIC_SIZE) {
    const isHidden = (attributes & FILE_ATTRIBUTE.HIDDEN) !== 0;
    return { type: (isHidden || content === undefined ? undefined : SMALL_TYPES.get(size)) ?? 'file' };
  }
  if (content === undefined || size > INTERIX_MAX_BYTES) return { type: 'file' };
  const bytes = content.read(0, size);
  const read = INTERIX_KINDS[String.fromCharCode(...bytes.subarray(0, INTERIX_MAGIC_SIZE))];
  return read?.(bytes) ?? { type: 'file' };
}

/** By the size of a file that nothing is in. */
const SMALL_TYPES: ReadonlyMap<number, FileType> = new Map([
  [0, 'fifo'],
  [1, 'socket'],
]);

const INTERIX_KINDS: Readonly<Record<string, (bytes: Uint8Array) => FileKind | undefined>> = {
  'IntxLNK\x01': (bytes) => ({ type: 'symlink', target: readUnits(bytes.subarray(INTERIX_MAGIC_SIZE)) }),
  'IntxCHR\0': (bytes) => deviceKind('character', bytes),
  'IntxBLK\0': (bytes) => deviceKind('block', bytes),
};

function deviceKind(type: FileType, bytes: Uint8Array): FileKind | undefined {
  if (bytes.length !== INTERIX_DEVICE_SIZE) return undefined;
  const { major, minor } = readFields(bytes, INTERIX_DEVICE, { format: 'ntfs' });
  return { type, device: { major, minor } };
}
