import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { SUPERBLOCK, SUPERBLOCK_MAGIC, SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

/** ext2, ext3 and ext4: one format with more or fewer features. */
export const ext4Format: FileSystemFormat = {
  name: 'ext4',
  detect: isExt4,
  open: (source) => reader().openExt4(source),
};

export function isExt4(head: Uint8Array): boolean {
  const magic = SUPERBLOCK_OFFSET + SUPERBLOCK.s_magic[0];
  return (
    head.length >= SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE &&
    head[magic] === (SUPERBLOCK_MAGIC & 0xff) &&
    head[magic + 1] === SUPERBLOCK_MAGIC >> 8
  );
}
