import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { FileSource } from '../../../source/file-source.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { hasTool } from '../../../testing/tool.ts';
import type { FileSystem } from '../../file-system.ts';
import { openErofs } from '../open.ts';

export const hasErofsTools = hasTool('mkfs.erofs');

export function makeErofs(image: string, from: string, args: string): string {
  rmSync(image, { force: true });
  execFileSync('mkfs.erofs', [...args.split(' ').filter(Boolean), image, from], { stdio: 'pipe' });
  return image;
}

export function openImage(image: string): FileSystem {
  return openErofs(FileSource.open(image));
}

export function openBytes(bytes: Uint8Array): FileSystem {
  return openErofs(new MemorySource(bytes));
}
