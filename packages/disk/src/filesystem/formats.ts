import { btrfsFormat } from './btrfs/open.ts';
import { erofsFormat } from './erofs/open.ts';
import { exfatFormat } from './exfat/open.ts';
import { ext4Format } from './ext4/open.ts';
import { fatFormat } from './fat/open.ts';
import type { FileSystemFormat } from './file-system.ts';
import { iso9660Format } from './iso9660/open.ts';
import { ntfsFormat } from './ntfs/open.ts';
import { squashfsFormat } from './squashfs/open.ts';
import { xfsFormat } from './xfs/open.ts';

/** Every filesystem that can be read, in the order they are tried: FAT has no magic, so it comes last. */
export const FILE_SYSTEM_FORMATS: readonly FileSystemFormat[] = [
  ext4Format,
  xfsFormat,
  exfatFormat,
  ntfsFormat,
  btrfsFormat,
  squashfsFormat,
  erofsFormat,
  iso9660Format,
  fatFormat,
];
