import { readFileSync } from 'node:fs';
import { corpusAbsent, corpusFiles, readCorpus } from '../../../packages/disk/src/testing/corpus.ts';
import { QemuFolder, writeStructured } from '../../../packages/disk/src/testing/qemu-folder.ts';
import { hasTool } from '../../../packages/disk/src/testing/tool.ts';
import type { Seed } from '../family.ts';

/** Larger ones take too long to change and read by the hundred thousand. */
export const MOST_SEED_BYTES = 4 * 2 ** 20;
export const DISK_BYTES = 300_000 - (300_000 % 512);

/** Seeds that qemu-img makes in a folder that holds `disk.raw`; none where it is not installed. */
export function madeByQemu(
  make: (folder: QemuFolder, seed: (name: string, ...files: string[]) => Seed) => Seed[],
): Seed[] {
  if (!hasTool('qemu-img')) return [];
  const folder = new QemuFolder();
  try {
    writeStructured(folder.file('disk.raw'), DISK_BYTES, 20_000);
    const read = (name: string) => readFileSync(folder.file(name));
    return make(folder, (name, ...files) => ({
      name,
      bytes: read(name),
      files: Object.fromEntries(files.map((file) => [file, read(file)])),
    }));
  } finally {
    folder.remove();
  }
}

/** Files of the corpus that are small enough when they are unpacked. */
export function fromCorpus(...patterns: readonly string[]): Seed[] {
  if (corpusAbsent !== undefined) return [];
  return patterns
    .flatMap((pattern) => corpusFiles(pattern))
    .filter((file) => !/\.(json|txt|md|name)$/.test(file))
    .map((file): Seed => ({ name: file.replaceAll('/', '_'), bytes: readCorpus(file) }))
    .filter(({ bytes }) => bytes.length > 0 && bytes.length <= MOST_SEED_BYTES);
}
