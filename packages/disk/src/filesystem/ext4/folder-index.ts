import { Lru } from '../../lru.ts';
import type { DirectoryRecord } from './directory.ts';

const KEPT_BYTES = 32 * 1024 * 1024;
/** What a name costs besides its characters: an entry of a Map, a string. */
const ENTRY_BYTES = 80;

interface Names {
  readonly inodes: ReadonlyMap<string, number>;
  readonly weight: number;
  /** False when there were more names than are kept for all folders together. */
  readonly isComplete: boolean;
}

/** The names of the folders last used, so that many lookups in one folder read it once. */
export class FolderIndex {
  readonly #folders = new Lru<number, Names>(KEPT_BYTES, ({ weight }) => weight);

  /** The inode that a folder names. `records` reads the folder, when it is not kept. */
  find(folder: number, name: string, records: () => Iterable<DirectoryRecord>): number | undefined {
    const { inodes, isComplete } = this.#folders.get(folder) ?? this.#keep(folder, records());
    const inode = inodes.get(name);
    return inode !== undefined || isComplete ? inode : scan(records(), name);
  }

  #keep(folder: number, records: Iterable<DirectoryRecord>): Names {
    const names = indexOf(records);
    this.#folders.set(folder, names);
    return names;
  }
}

function indexOf(records: Iterable<DirectoryRecord>): Names {
  const inodes = new Map<string, number>();
  let weight = ENTRY_BYTES;
  for (const { name, inode } of records) {
    if (weight > KEPT_BYTES) return { inodes, weight, isComplete: false };
    // the first of two equal names is the one a lookup finds
    if (!inodes.has(name)) inodes.set(name, inode);
    weight += ENTRY_BYTES + name.length * 2;
  }
  return { inodes, weight, isComplete: true };
}

function scan(records: Iterable<DirectoryRecord>, wanted: string): number | undefined {
  for (const { name, inode } of records) if (name === wanted) return inode;
  return undefined;
}
