import { readFields } from '../../fields.ts';
import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { MAGIC, SUPERBLOCK, SUPERBLOCK_SIZE } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const squashfsFormat: FileSystemFormat = {
  name: 'squashfs',
  detect: isSquashfs,
  open: (source) => reader().openSquashfs(source),
};

export function isSquashfs(head: Uint8Array): boolean {
  if (head.length < SUPERBLOCK_SIZE) return false;
  const { magic, s_major } = readFields(head, { magic: SUPERBLOCK.magic, s_major: SUPERBLOCK.s_major });
  return magic === MAGIC && s_major === 4;
}
