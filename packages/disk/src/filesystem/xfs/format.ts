import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { SUPERBLOCK_MAGIC, SUPERBLOCK_SIZE } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

/** XFS of version 4, and 5 with checksums. */
export const xfsFormat: FileSystemFormat = {
  name: 'xfs',
  detect: isXfs,
  open: (source) => reader().openXfs(source),
};

export function isXfs(head: Uint8Array): boolean {
  return head.length >= SUPERBLOCK_SIZE && new DataView(head.buffer, head.byteOffset).getUint32(0) === SUPERBLOCK_MAGIC;
}
