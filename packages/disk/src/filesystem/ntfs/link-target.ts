import { readFields } from '../../fields.ts';
import { decodeName } from '../name.ts';
import { corrupt } from './corrupt.ts';
import {
  LINK_RELATIVE,
  LX_SYMLINK_TARGET,
  MOUNT_POINT,
  MOUNT_POINT_SIZE,
  REPARSE_TAG,
  SYMLINK,
  SYMLINK_SIZE,
} from './layout.ts';
import type { ReparsePoint } from './reparse-point.ts';
import { readUnits } from './units.ts';

/** How the system spells a name that is to be taken as it is. */
const NAMESPACE_PREFIX = /^\\(\?\?|\\\?|\\\.)\\/;
const DRIVE = /^[a-z]:(?=\/|$)/i;
const SYSTEM_DRIVE = /^C:(?=\/|$)/;

/**
 * Where a link leads, as a path of a guest whose drive C: is `/` and whose other drives are `/D:`, `/E:` …; `undefined` when the
 * point is no link. The name that Windows follows is taken, not the one that it shows. A relative target stays relative.
 */
export function linkTarget(point: ReparsePoint): string | undefined {
  if (point.tag === REPARSE_TAG.LX_SYMLINK) return decodeName(point.data.subarray(LX_SYMLINK_TARGET));
  const stored = storedTarget(point);
  return stored && toGuestPath(stored);
}

interface StoredTarget {
  readonly path: string;
  readonly isRelative: boolean;
}

function storedTarget({ tag, data, offset }: ReparsePoint): StoredTarget | undefined {
  if (tag === REPARSE_TAG.MOUNT_POINT) {
    const fields = readFields(data, MOUNT_POINT, { format: 'ntfs', offset });
    return { path: nameIn(data.subarray(MOUNT_POINT_SIZE), fields, offset), isRelative: false };
  }
  if (tag !== REPARSE_TAG.SYMLINK) return undefined;
  const fields = readFields(data, SYMLINK, { format: 'ntfs', offset });
  return {
    path: nameIn(data.subarray(SYMLINK_SIZE), fields, offset),
    isRelative: (fields.flags & LINK_RELATIVE) !== 0,
  };
}

interface NamePlace {
  readonly substitute_name_offset: number;
  readonly substitute_name_length: number;
}

function nameIn(
  names: Uint8Array,
  { substitute_name_offset: at, substitute_name_length: length }: NamePlace,
  offset: number,
): string {
  if (at + length <= names.length) return readUnits(names.subarray(at, at + length));
  throw corrupt(`Cannot read link: its target is ${length} bytes at ${at} of ${names.length}`, offset);
}

function toGuestPath({ path, isRelative }: StoredTarget): string {
  const target = path.replace(isRelative ? '' : NAMESPACE_PREFIX, '').replaceAll('\\', '/');
  if (isRelative) return target;
  const below = target.replace(DRIVE, (drive) => drive.toUpperCase()).replace(SYSTEM_DRIVE, '');
  return `/${below.replace(/^\/+/, '')}`;
}
