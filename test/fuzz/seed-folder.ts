import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Family, Seed } from './family.ts';

// Seeds are made once and kept, so that every process of a run, and a replay of what it found, starts from the same bytes.

export function saveSeeds(folder: string, family: Family): number {
  rmSync(folder, { recursive: true, force: true });
  const seeds = family.seeds();
  for (const { name, bytes, files = {} } of seeds) {
    mkdirSync(path.join(folder, name, 'files'), { recursive: true });
    writeFileSync(path.join(folder, name, 'image'), bytes);
    for (const [file, content] of Object.entries(files)) writeFileSync(path.join(folder, name, 'files', file), content);
  }
  return seeds.length;
}

export function loadSeeds(folder: string): readonly Seed[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({
      name,
      bytes: readFileSync(path.join(folder, name, 'image')),
      files: filesIn(path.join(folder, name, 'files')),
    }));
}

function filesIn(folder: string): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file))]));
}
