import { lazy } from '../../lazy.ts';
import type { FileSystemFormat } from '../file-system.ts';
import { isFat } from './boot-sector.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

/** FAT12, FAT16 and FAT32 with long names, as Linux mounts them: `vfat`. */
export const fatFormat: FileSystemFormat = {
  name: 'vfat',
  detect: isFat,
  open: (source) => reader().openFat(source),
};
