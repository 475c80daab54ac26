import { readFields } from '../../fields.ts';
import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { MAGIC, SUPERBLOCK, SUPERBLOCK_AT, SUPERBLOCK_SIZE } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const erofsFormat: FileSystemFormat = {
  name: 'erofs',
  detect: isErofs,
  open: (source) => reader().openErofs(source),
};

export function isErofs(head: Uint8Array): boolean {
  if (head.length < SUPERBLOCK_AT + SUPERBLOCK_SIZE) return false;
  return readFields(head.subarray(SUPERBLOCK_AT), { magic: SUPERBLOCK.magic }).magic === MAGIC;
}
