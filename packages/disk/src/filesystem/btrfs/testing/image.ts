import { execFileSync } from 'node:child_process';
import { openSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CachedSource } from '../../../source/cached-source.ts';
import { FileSource } from '../../../source/file-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openBtrfs } from '../open.ts';

/** Whether btrfs-progs is here: nothing can be made without it. */
export const hasBtrfsProgs = hasTool('mkfs.btrfs');

const MEBIBYTE = 1024 * 1024;

export interface BtrfsOptions {
  /** Of mkfs.btrfs. */
  readonly args: string;
  readonly devices?: number;
  /** Of each device. */
  readonly sizeBytes?: number;
}

let made = 0;

/** Makes a filesystem in new files of a folder, one for each device. */
export function makeBtrfs(folder: string, { args, devices = 1, sizeBytes = 128 * MEBIBYTE }: BtrfsOptions): string[] {
  made += 1;
  const images = Array.from({ length: devices }, (_, index) => path.join(folder, `btrfs-${made}-${index}.img`));
  for (const image of images) {
    writeFileSync(image, '');
    truncateSync(image, sizeBytes);
  }
  execFileSync('mkfs.btrfs', ['-q', ...args.split(' ').filter(Boolean), ...images], { stdio: 'pipe' });
  return images;
}

/** Without the images of devices that are left out: `undefined` in their place. */
export function openImages([image, ...others]: readonly string[]): FileSystem {
  return openBtrfs(sourceOf(image as string), others.map(sourceOf));
}

/** Left open: the test that reads it ends soon. */
export function sourceOf(image: string): CachedSource {
  return new CachedSource(new FileSource(openSync(image, 'r')));
}
