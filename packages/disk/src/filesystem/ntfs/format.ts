import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { BOOT_SECTOR_SIZE, OEM_ID, OEM_ID_OFFSET } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const ntfsFormat: FileSystemFormat = {
  name: 'ntfs',
  detect: isNtfs,
  open: (source) => reader().openNtfs(source),
};

export function isNtfs(head: Uint8Array): boolean {
  if (head.length < BOOT_SECTOR_SIZE) return false;
  return String.fromCharCode(...head.subarray(OEM_ID_OFFSET, OEM_ID_OFFSET + OEM_ID.length)) === OEM_ID;
}
