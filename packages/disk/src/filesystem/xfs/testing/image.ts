import { execFileSync, spawnSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { withMounted } from '../../../../../../test/support/loop-mount.ts';
import { FileSource } from '../../../source/file-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openXfs } from '../open.ts';

/** Whether xfsprogs is here: nothing can be made without it. */
export const hasXfsprogs = hasTool('mkfs.xfs') && hasTool('xfs_db') && hasTool('xfs_io');
if (!hasXfsprogs) console.warn('Skipping tests: XFS filesystems are made by mkfs.xfs');

export interface XfsOptions {
  /** Of mkfs.xfs. */
  readonly args?: string;
  readonly sizeBytes?: number;
  /** Fills a folder where it is mounted. */
  readonly fill?: (folder: string) => void;
}

export const MEBIBYTE = 1024 * 1024;

/** Makes a filesystem in a file that does not exist yet; `undefined` where it cannot be mounted to be filled. */
export function makeXfs(image: string, { args = '', sizeBytes = 64 * MEBIBYTE, fill }: XfsOptions): string | undefined {
  writeFileSync(image, '');
  truncateSync(image, sizeBytes);
  // smaller than what mkfs.xfs finds sensible
  const words = args.split(' ').filter((word) => word !== '');
  execFileSync('mkfs.xfs', ['--unsupported', '-q', '-f', ...words, image], { stdio: 'pipe' });
  if (fill === undefined) return image;
  const run = (folder: string) => {
    fill(folder);
    return image;
  };
  return withMounted(image, 'rw', run);
}

/** Runs commands of xfs_db and returns what they print. */
export function xfsDb(image: string, ...commands: readonly string[]): string {
  const args = commands.flatMap((command) => ['-c', command]);
  const run = spawnSync('xfs_db', ['-x', ...args, image], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`Cannot run xfs_db: ${run.stderr}`);
  return run.stdout;
}

export function openImage(image: string): FileSystem {
  return openXfs(FileSource.open(image));
}
