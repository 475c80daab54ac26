import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { DESCRIPTORS_AT, SECTOR_SIZE, STANDARD_ID, STANDARD_ID_AT } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const iso9660Format: FileSystemFormat = {
  name: 'iso9660',
  detect: isIso9660,
  open: (source) => reader().openIso9660(source),
};

export function isIso9660(head: Uint8Array): boolean {
  return head.length >= DESCRIPTORS_AT + SECTOR_SIZE && hasStandardId(head.subarray(DESCRIPTORS_AT));
}

export function hasStandardId(descriptor: Uint8Array): boolean {
  return hasAscii(descriptor, STANDARD_ID, STANDARD_ID_AT);
}

export function hasAscii(bytes: Uint8Array, text: string, at: number): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(at, at + text.length)) === text;
}
