import type { FileType } from './file-system.ts';

const MODE_TYPE = 0xf000;
const MODE_PERMISSIONS = 0x0fff;
const TYPES: ReadonlyMap<number, FileType> = new Map([
  [0x1000, 'fifo'],
  [0x2000, 'character'],
  [0x4000, 'directory'],
  [0x6000, 'block'],
  [0x8000, 'file'],
  [0xa000, 'symlink'],
  [0xc000, 'socket'],
]);

/** The type in a mode as Unix keeps it (`st_mode`); `undefined` when there is no such type. */
export function typeOfMode(mode: number): FileType | undefined {
  return TYPES.get(mode & MODE_TYPE);
}

/** Permission bits with setuid, setgid and sticky. */
export function permissionsOfMode(mode: number): number {
  return mode & MODE_PERMISSIONS;
}

/** The types that entries of folders have, in the order that Linux filesystems number them: `EXT4_FT_…`, `XFS_DIR3_FT_…`, `BTRFS_FT_…`, EROFS. */
const ENTRY_TYPES: readonly (FileType | undefined)[] = [
  undefined,
  'file',
  'directory',
  'character',
  'block',
  'fifo',
  'socket',
  'symlink',
];

export function typeOfEntry(number: number | undefined): FileType | undefined {
  return ENTRY_TYPES[number ?? 0];
}

/** The two numbers of a device, as the C library puts them together in 32 bits. */
export function splitDevice(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}
