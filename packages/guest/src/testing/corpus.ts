import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CORPUS = process.env.GUESTKIT_CORPUS ?? fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url));

/** Path of a corpus file, or `undefined` where the corpus is absent. */
export function corpusFile(name: string): string | undefined {
  const path = `${CORPUS}/${name}`;
  return existsSync(path) ? path : undefined;
}

/** A new folder with the content of a tar. */
export function untar(archive: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'guestkit-untar-'));
  execFileSync('tar', ['-xf', archive, '-C', folder, '--no-same-owner']);
  return folder;
}

/** Texts of all regular files below a folder, by their paths in it with a leading slash. */
export function readFolder(folder: string): Record<string, string> {
  const paths = globSync('**', { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(paths.map((path) => [`/${path}`, readFileSync(join(folder, path), 'utf8')]));
}

export function unxz(path: string): string {
  return execFileSync('xz', ['-dc', path], { encoding: 'utf8', maxBuffer: 2 ** 28 });
}
