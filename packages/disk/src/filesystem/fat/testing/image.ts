import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FileSource } from '../../../source/file-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openFat } from '../open.ts';

/** Whether dosfstools and mtools are here: nothing can be made without them. */
export const hasFatTools = hasTool('mkfs.vfat') && hasTool('mcopy');

export interface FatOptions {
  /** Of mkfs.vfat: `-F 32 -s 8`. */
  readonly args: string;
  readonly sizeBytes: number;
  /** The folder to fill it from. */
  readonly from?: string;
}

const MIB = 2 ** 20;
const ENVIRONMENT = { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8', MTOOLS_SKIP_CHECK: '1' };

/** Makes a filesystem in a file that does not exist yet. */
export function makeFat(image: string, { args, sizeBytes = 4 * MIB, from }: Partial<FatOptions>): string {
  writeFileSync(image, '');
  truncateSync(image, sizeBytes);
  execFileSync('mkfs.vfat', [...(args ?? '').split(' ').filter(Boolean), image], { stdio: 'pipe' });
  if (from !== undefined) mtools(image, 'mcopy', '-s', '-m', '-Q', from, '::/');
  return image;
}

/** Runs a tool of mtools on an image, and returns what it prints. */
export function mtools(image: string, tool: string, ...args: readonly string[]): string {
  return execFileSync(tool, ['-i', image, ...args], { env: ENVIRONMENT, encoding: 'utf8', stdio: 'pipe' });
}

/** The files of an image as mtools shows them, below a folder of this machine. */
export function copyOut(image: string, folder: string, name: string): string {
  mtools(image, 'mcopy', '-s', '-m', '-n', `::/${name}`, folder);
  return path.join(folder, name);
}

/** Runs an action on the filesystem of an image file. */
export function withFat<T>(image: string, action: (fileSystem: FileSystem) => T): T {
  using source = FileSource.open(image);
  return action(openFat(source));
}
