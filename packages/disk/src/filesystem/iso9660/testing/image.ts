import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FileSource } from '../../../source/file-source.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openIso9660 } from '../open.ts';

export const hasIsoTools = hasTool('xorriso') && hasTool('genisoimage');

/** @param command `genisoimage`, or `xorriso` in its guise of mkisofs, with options */
export function makeIso(image: string, from: string, command: string, ...more: string[]): string {
  const [program = '', ...options] = command.split(' ');
  const guise = program === 'xorriso' ? ['-as', 'mkisofs'] : [];
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  execFileSync(program, [...guise, '-quiet', ...options, '-o', image, from, ...more], { stdio: 'pipe', env });
  return image;
}

/** One of everything that a disc may keep. Times are whole seconds, as discs have them. */
export function makeDiscFolder(folder: string, files = 120): string {
  const at = (name: string) => path.join(folder, name);
  mkdirSync(at('a/b/c/d/e/f/g/h/i/j/k'), { recursive: true });
  writeFileSync(at('a/b/c/d/e/f/g/h/i/j/k/deep.txt'), 'deep');
  writeFileSync(at('a/b/c/d/e/f/g/middle'), 'middle');
  writeFileSync(at('text'), 'some lines\n'.repeat(12_000), { mode: 0o640 });
  writeFileSync(at('zeros'), Buffer.alloc(300_000));
  writeFileSync(at('empty'), '');
  linkSync(at('text'), at('the-same'));
  symlinkSync('../x/./y', at('link'));
  symlinkSync('/absolute/path', at('link-absolute'));
  // genisoimage loses what is longer
  symlinkSync(Array.from({ length: 8 }, (_, index) => `${index}`.repeat(25)).join('/'), at('link-long'));
  mkdirSync(at('many'));
  for (let index = 0; index < files; index++) writeFileSync(at(`many/entry with a longer name ${index}`), `${index}`);
  for (const name of ['n'.repeat(200), 'ünïcödé', 'UPPER', 'Mixed.Case.txt']) writeFileSync(at(name), name);
  const script = 'mkfifo fifo; mknod tty c 4 64; mknod disk b 259 70000; chmod 4751 empty; chown 70000:80000 zeros';
  execFileSync('sh', ['-ec', script], { cwd: folder, stdio: 'pipe' });
  utimesSync(at('empty'), 1_000_000_000, 1_234_567_890);
  return folder;
}

export function openImage(image: string): FileSystem {
  return openIso9660(FileSource.open(image));
}

export function openBytes(bytes: Uint8Array): FileSystem {
  return openIso9660(new MemorySource(bytes));
}
