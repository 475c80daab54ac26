import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, globSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ByteSource } from '../source/byte-source.ts';
import { FileSource } from '../source/file-source.ts';
import { MemorySource } from '../source/memory-source.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const CORPUS = process.env.GUESTKIT_CORPUS ?? path.join(ROOT, '../shared/corpus');

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

/** The content of a file of the corpus; one packed by xz, which may be mostly holes, is unpacked into a file once for all tests. */
export function openCorpus(file: string): ByteSource & Disposable {
  return path.extname(file) === '.xz' ? FileSource.open(unpacked(file)) : new MemoryFile(readCorpus(file));
}

/** A file inside a zip archive of the corpus. */
export function readCorpusMember(archive: string, member: string): Uint8Array {
  return execFileSync('unzip', ['-p', path.join(CORPUS, archive), member], { maxBuffer: 2 ** 30 });
}

class MemoryFile extends MemorySource {
  [Symbol.dispose](): void {}
}

/** `xz` leaves holes where it writes zeros to a file. */
function unpacked(file: string): string {
  const target = path.join(ROOT, '.guestkit/test/corpus', file.slice(0, -'.xz'.length));
  if (existsSync(target)) return target;
  mkdirSync(path.dirname(target), { recursive: true });
  // others may unpack it at the same time, and must not see half of it
  const partial = `${target}.${process.pid}`;
  const fd = openSync(partial, 'w');
  execFileSync('xz', ['-dc', path.join(CORPUS, file)], { stdio: ['ignore', fd, 'inherit'] });
  closeSync(fd);
  renameSync(partial, target);
  return target;
}

/** Unpacks a tar archive of the corpus into a folder. */
export function unpackCorpus(archive: string, folder: string): void {
  execFileSync('tar', ['-xf', path.join(CORPUS, archive), '-C', folder]);
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
