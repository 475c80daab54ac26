import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { BOOT_SECTOR_SIZE, FILE_SYSTEM_NAME, FILE_SYSTEM_NAME_OFFSET } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const exfatFormat: FileSystemFormat = {
  name: 'exfat',
  detect: isExfat,
  open: (source) => reader().openExfat(source),
};

export function isExfat(head: Uint8Array): boolean {
  return head.length >= BOOT_SECTOR_SIZE && hasName(head);
}

export function hasName(head: Uint8Array): boolean {
  const name = head.subarray(FILE_SYSTEM_NAME_OFFSET, FILE_SYSTEM_NAME_OFFSET + FILE_SYSTEM_NAME.length);
  return String.fromCharCode(...name) === FILE_SYSTEM_NAME;
}
