import { matchesGlob } from './glob.ts';
import type { GuestFiles } from './guest-files.ts';

const MAX_MATCHES = 10_000;

/** Paths that an absolute shell pattern matches, sorted as glob(3) sorts them; names with a leading dot only when asked for. */
export function filesMatching(files: GuestFiles, pattern: string): readonly string[] {
  return pattern
    .split('/')
    .filter((part) => part !== '')
    .reduce<readonly string[]>(
      (folders, part) => folders.flatMap((folder) => step(files, folder, part)).slice(0, MAX_MATCHES),
      [''],
    );
}

function step(files: GuestFiles, folder: string, part: string): readonly string[] {
  if (!/[*?[]/.test(part)) return files.tree.exists(`${folder}/${part}`) ? [`${folder}/${part}`] : [];
  return files
    .names(folder === '' ? '/' : folder)
    .filter((name) => (!name.startsWith('.') || part.startsWith('.')) && matchesGlob(part, name))
    .map((name) => `${folder}/${name}`);
}
