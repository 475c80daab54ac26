import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { MemorySource } from '../../../source/memory-source.ts';
import type { FileSystem } from '../../file-system.ts';
import { openExt4 } from '../open.ts';

/** Whether e2fsprogs is here: nothing can be made without it. */
export const hasE2fsprogs = spawnSync('mke2fs', ['-V']).status === 0 && spawnSync('debugfs', ['-V']).status === 0;

export interface ExtOptions {
  /** Of mke2fs: type, block size, features. */
  readonly args: string;
  readonly sizeBytes?: number;
  /** The folder to fill it from. */
  readonly from?: string;
  /** Commands of debugfs to change it with. */
  readonly commands?: readonly string[];
}

/** Makes a filesystem in a file that does not exist yet. */
export function makeExt(
  image: string,
  { args, sizeBytes = 16 * 1024 * 1024, from, commands = [] }: ExtOptions,
): string {
  writeFileSync(image, '');
  truncateSync(image, sizeBytes);
  const fill = from === undefined ? [] : ['-d', from];
  execFileSync('mke2fs', ['-q', '-F', ...args.split(' '), ...fill, image], { stdio: 'pipe' });
  if (commands.length > 0) debugfs(image, ...commands);
  return image;
}

/** Runs commands of debugfs, which may change the image, and returns what they print. */
export function debugfs(image: string, ...commands: readonly string[]): string {
  const run = spawnSync('debugfs', ['-w', '-f', '-', image], { input: `${commands.join('\n')}\n`, encoding: 'utf8' });
  // it succeeds whatever happens; what went wrong is all it says there, but for its version
  const complaint = run.stderr.replace(/^debugfs [\d.]+ .*\n/, '');
  if (run.status !== 0 || complaint !== '') throw new Error(`Cannot run debugfs: ${complaint}`);
  return run.stdout;
}

export function openImage(image: string): FileSystem {
  return openExt4(new MemorySource(readFileSync(image)));
}
