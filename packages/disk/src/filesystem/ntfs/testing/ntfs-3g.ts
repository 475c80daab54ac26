import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../../../../../test/support/condition.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openNtfs } from '../open.ts';

/** Why no volumes can be made and mounted here, or `undefined` where they can. */
export const ntfs3gAbsent =
  hasTool('mkntfs') && hasTool('ntfs-3g') && hasTool('setfattr') && process.getuid?.() === 0
    ? undefined
    : 'NTFS volumes are made and shown by ntfs-3g, as root';
if (ntfs3gAbsent !== undefined) console.warn(`Skipping tests: ${ntfs3gAbsent}`);

const MIB = 2 ** 20;

export interface NtfsOptions {
  /** Of mkntfs. */
  readonly args?: string;
  readonly sizeBytes?: number;
  /** Puts files into the mounted volume. */
  readonly fill?: (mounted: string) => void;
}

/** Makes a volume in a file that does not exist yet. */
export async function makeNtfs(image: string, { args = '', sizeBytes = 16 * MIB, fill }: NtfsOptions): Promise<string> {
  writeFileSync(image, '');
  truncateSync(image, sizeBytes);
  execFileSync('mkntfs', ['-F', '-q', ...args.split(' ').filter(Boolean), image], { stdio: 'pipe' });
  if (fill !== undefined) await withNtfs3g(image, 'rw', fill);
  return image;
}

/** Hands an action the folder where ntfs-3g shows a volume, streams as attributes or by `name:stream`; all is written when it is done. */
export async function withNtfs3g<T>(
  image: string,
  access: 'ro' | 'rw',
  action: (folder: string) => T,
  streams: 'xattr' | 'windows' = 'xattr',
): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ntfs-'));
  const unmounted = statSync(folder).dev;
  // in the foreground: it ends when all is written, which umount does not wait for
  const options = `${access},streams_interface=${streams},compression,no_detach`;
  const ntfs3g = spawn('ntfs-3g', ['-o', options, image, folder], { stdio: 'ignore' });
  const end = once(ntfs3g, 'exit');
  try {
    await until('ntfs-3g shows the volume', () => statSync(folder).dev !== unmounted);
    return action(folder);
  } finally {
    // a process that was started meanwhile may have it in hand for a moment
    await until('the volume is free', () => spawnSync('umount', [folder]).status === 0);
    await end;
    rmdirSync(folder);
  }
}

/** What ntfsinfo says of a file of a volume. */
export function ntfsinfo(image: string, ...args: readonly string[]): string {
  return execFileSync('ntfsinfo', ['-f', ...args, image], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export function openImage(image: string): FileSystem {
  return openNtfs(new MemorySource(readFileSync(image)));
}
