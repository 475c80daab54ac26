import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { FileSource } from '../../../source/file-source.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openSquashfs } from '../open.ts';

export const hasSquashfsTools = hasTool('mksquashfs');

export function makeSquashfs(image: string, from: string, args: string): string {
  rmSync(image, { force: true });
  execFileSync('mksquashfs', [from, image, '-noappend', '-no-progress', '-quiet', ...args.split(' ').filter(Boolean)], {
    stdio: 'pipe',
  });
  return image;
}

/** Small, with one file in every shape: blocks, a hole, a tail, attributes, a link. */
export function makeSmallSquashfs(folder: string, args: string): string {
  const content = `${folder}/small`;
  mkdirSync(`${content}/inner`, { recursive: true });
  const script = `
    printf 'short' > inner/short; ln -sf inner/short link
    head -c 20000 /dev/zero > zeros; seq 4000 > numbers; printf end >> zeros
    setfattr -n user.note -v value numbers; setfattr -n user.note -v value inner
    for n in $(seq 40); do : > inner/name-$n; done`;
  execFileSync('sh', ['-ec', script], { cwd: content, stdio: 'pipe' });
  return makeSquashfs(`${folder}/small.img`, content, args);
}

export function openImage(image: string): FileSystem {
  return openSquashfs(FileSource.open(image));
}

export function openBytes(bytes: Uint8Array): FileSystem {
  return openSquashfs(new MemorySource(bytes));
}
