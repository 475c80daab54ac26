import { readFields } from '../../fields.ts';
import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { SUPERBLOCK, SUPERBLOCK_MAGIC, SUPERBLOCK_OFFSETS } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const btrfsFormat: FileSystemFormat = {
  name: 'btrfs',
  detect: isBtrfs,
  deviceOf: (source) => reader().deviceOf(source),
  open: (source, others) => reader().openBtrfs(source, others),
};

export function isBtrfs(head: Uint8Array): boolean {
  const magic = SUPERBLOCK_OFFSETS[0] + SUPERBLOCK.magic[0];
  if (head.length < magic + 8) return false;
  return readFields(head, { magic: [magic, 'bits64'] }).magic === SUPERBLOCK_MAGIC;
}
