import { type Fields, readFields } from '../../fields.ts';
import { quote } from '../../quote.ts';
import type { ByteRun } from '../run-content.ts';
import { corrupt } from './corrupt.ts';
import { ATTR, DELETED, END_OF_FOLDER, ENTRY, ENTRY_ATTR, SHORT_NAME_SIZE } from './layout.ts';
import { LongName } from './long-name.ts';
import { shortName } from './short-name.ts';
import type { FatVolume } from './volume.ts';

/** A name in a folder and what it leads to. */
export interface FatRecord {
  readonly name: string;
  /** The name of 8 and 3 characters, by which it is found as well. */
  readonly shortName: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly fields: Fields<typeof ENTRY>;
  /** Where on the volume the entry is. */
  readonly offset: number;
}

/** The entries of a folder without `.` and `..`, deleted ones and volume labels. The first that was never used ends it. */
export function* readDirectory(volume: FatVolume, runs: readonly ByteRun[]): Generator<FatRecord> {
  const longName = new LongName();
  for (const { bytes, offset } of volume.heap.slots(runs)) {
    if (bytes[0] === END_OF_FOLDER) return;
    const attributes = bytes[ENTRY_ATTR] as number;
    if (bytes[0] === DELETED) longName.drop();
    else if (attributes === ATTR.LONG_NAME) longName.add(bytes);
    else if ((attributes & ATTR.VOLUME) !== 0) longName.drop();
    else if (!isDot(bytes)) yield recordOf(volume, bytes, offset, longName.take(bytes));
  }
}

/** How many entries are folders, `.` and `..` among them: the kernel takes this for the number of links. */
export function countFolders(volume: FatVolume, runs: readonly ByteRun[]): number {
  let folders = 0;
  for (const { bytes } of volume.heap.slots(runs)) {
    if (bytes[0] === END_OF_FOLDER) break;
    const kind = (bytes[ENTRY_ATTR] as number) & (ATTR.VOLUME | ATTR.DIRECTORY);
    if (bytes[0] !== DELETED && kind === ATTR.DIRECTORY) folders += 1;
  }
  return folders;
}

/** @throws DiskError `corrupt` for a name that would lead elsewhere, which the kernel does not list either */
export function checkName({ name, offset }: FatRecord): void {
  if (name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')) return;
  throw corrupt(`Cannot read folder: bad name ${quote(name)}`, offset);
}

function recordOf({ geometry }: FatVolume, bytes: Uint8Array, offset: number, longName: string | undefined): FatRecord {
  const fields = readFields(bytes, ENTRY, { format: 'vfat', offset });
  const short = shortName(bytes, fields.lcase);
  return {
    name: longName ?? short,
    shortName: short,
    isFolder: (fields.attr & ATTR.DIRECTORY) !== 0,
    // before FAT32 the high half of the number was something else
    cluster: fields.start + (geometry.bits === 32 ? fields.starthi * 2 ** 16 : 0),
    fields,
    offset,
  };
}

const DOTS: ReadonlySet<string> = new Set(['.          ', '..         ']);

function isDot(bytes: Uint8Array): boolean {
  return bytes[0] === 0x2e && DOTS.has(String.fromCharCode(...bytes.subarray(0, SHORT_NAME_SIZE)));
}
