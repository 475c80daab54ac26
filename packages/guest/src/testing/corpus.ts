import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CORPUS = process.env.GUESTKIT_CORPUS ?? fileURLToPath(new URL('../../../../../shared/corpus', import.meta.url));

/** Path of a corpus file, or `undefined` where the corpus is absent. */
export function corpusFile(name: string): string | undefined {
  const path = `${CORPUS}/${name}`;
  return existsSync(path) ? path : undefined;
}

/** Regular files of a gzipped tar by their path in it, read with the real tar. */
export function tarTexts(archive: string, paths: readonly string[]): Map<string, string> {
  return new Map(paths.map((path) => [path, execFileSync('tar', ['-xzOf', archive, path], { encoding: 'utf8' })]));
}

export function unxz(path: string): string {
  return execFileSync('xz', ['-dc', path], { encoding: 'utf8', maxBuffer: 2 ** 28 });
}
