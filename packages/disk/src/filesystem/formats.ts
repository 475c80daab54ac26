import { btrfsFormat } from './btrfs/format.ts';
import { erofsFormat } from './erofs/format.ts';
import { exfatFormat } from './exfat/format.ts';
import { ext4Format } from './ext4/format.ts';
import { fatFormat } from './fat/format.ts';
import type { FileSystemFormat } from './file-system.ts';
import { iso9660Format } from './iso9660/format.ts';
import { ntfsFormat } from './ntfs/format.ts';
import { squashfsFormat } from './squashfs/format.ts';
import { xfsFormat } from './xfs/format.ts';

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
