import { Lru } from '../../lru.ts';
import type { DirectoryRecord } from './directory.ts';

const KEPT_BYTES = 32 * 1024 * 1024;
/** What a name costs besides its characters: an entry of a Map, a string. */
const ENTRY_BYTES = 80;

/** What is compared of a name: the rule of the folder. */
export type NameKey = (name: string) => string;

interface Names {
  readonly inodes: ReadonlyMap<string, number>;
  readonly weight: number;
  /** False when there were more names than are kept for all folders together. */
  readonly isComplete: boolean;
}

/** The names of the folders last used, so that many lookups in one folder read it once. */
export class FolderIndex {
  readonly #folders = new Lru<number, Names>(KEPT_BYTES, ({ weight }) => weight);

  /** The inode that a folder names. `records` reads the folder, when it is not kept; names of one `key` are one. */
  find(folder: number, name: string, records: () => Iterable<DirectoryRecord>, key: NameKey): number | undefined {
    const { inodes, isComplete } = this.#folders.get(folder) ?? this.#keep(folder, records(), key);
    const wanted = key(name);
    const inode = inodes.get(wanted);
    return inode !== undefined || isComplete ? inode : scan(records(), wanted, key);
  }

  #keep(folder: number, records: Iterable<DirectoryRecord>, key: NameKey): Names {
    const names = indexOf(records, key);
    this.#folders.set(folder, names);
    return names;
  }
}

function indexOf(records: Iterable<DirectoryRecord>, key: NameKey): Names {
  const inodes = new Map<string, number>();
  let weight = ENTRY_BYTES;
  for (const { name, inode } of records) {
    if (weight > KEPT_BYTES) return { inodes, weight, isComplete: false };
    const known = key(name);
    // the first of two equal names is the one a lookup finds
    if (!inodes.has(known)) inodes.set(known, inode);
    weight += ENTRY_BYTES + name.length * 2;
  }
  return { inodes, weight, isComplete: true };
}

function scan(records: Iterable<DirectoryRecord>, wanted: string, key: NameKey): number | undefined {
  for (const { name, inode } of records) if (key(name) === wanted) return inode;
  return undefined;
}
