import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

const CORPUS = process.env.GUESTKIT_CORPUS ?? path.resolve(import.meta.dirname, '../../../../../shared/corpus');

/** Why a test of the corpus does not run here, or `undefined` when it does. */
export const corpusAbsent = existsSync(CORPUS) ? undefined : `corpus of real images is absent (${CORPUS})`;

if (corpusAbsent !== undefined) console.warn(`Skipping tests: ${corpusAbsent}`);

/** Files of the corpus that match a pattern, by their path in it, sorted. */
export function corpusFiles(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: CORPUS }).sort();
}

export function readCorpusText(file: string): string {
  return readFileSync(path.join(CORPUS, file), 'utf8');
}

/** The content of a file of the corpus, unpacked when it is packed. */
export function readCorpus(file: string): Uint8Array {
  const full = path.join(CORPUS, file);
  const decompress = DECOMPRESS[path.extname(file)];
  if (decompress !== undefined) return decompress(readFileSync(full));
  const command = UNPACK[path.extname(file)];
  return command === undefined ? readFileSync(full) : execFileSync(command, ['-dc', full], { maxBuffer: 2 ** 30 });
}

/** A file inside a zip archive of the corpus. */
export function readCorpusMember(archive: string, member: string): Uint8Array {
  return execFileSync('unzip', ['-p', path.join(CORPUS, archive), member], { maxBuffer: 2 ** 30 });
}

/** A process for each of hundreds of files would take most of the time. */
const DECOMPRESS: Readonly<Record<string, (packed: Uint8Array) => Uint8Array>> = {
  '.gz': (packed) => gunzipSync(packed),
  '.zst': (packed) => zstdDecompressSync(packed),
};

const UNPACK: Readonly<Record<string, string>> = {
  '.xz': 'xz',
  '.bz2': 'bzip2',
  '.Z': 'gzip',
};
