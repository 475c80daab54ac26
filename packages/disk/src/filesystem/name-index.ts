import { Lru } from '../lru.ts';

const KEPT_BYTES = 16 * 1024 * 1024;
/** What an entry costs besides the characters of its name. */
const ENTRY_BYTES = 200;

/** Names of a folder as they are looked up, and what they lead to. */
export type NamedEntries<Entry> = Iterable<readonly [key: string, entry: Entry]>;

interface Folder<Entry> {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly weight: number;
  /** False when there were more names than are kept for all folders together. */
  readonly isComplete: boolean;
}

/** The names of the folders last used, so that many lookups in one folder read it once. */
export class NameIndex<Entry> {
  readonly #folders = new Lru<number, Folder<Entry>>(KEPT_BYTES, ({ weight }) => weight);

  /** What a folder holds under a key; the first of equal keys. `read` reads the folder, when it is not kept. */
  find(folder: number, key: string, read: () => NamedEntries<Entry>): Entry | undefined {
    const { entries, isComplete } = this.#folders.get(folder) ?? this.#keep(folder, read());
    const entry = entries.get(key);
    return entry !== undefined || isComplete ? entry : scan(read(), key);
  }

  #keep(number: number, named: NamedEntries<Entry>): Folder<Entry> {
    const folder = indexOf(named);
    this.#folders.set(number, folder);
    return folder;
  }
}

function indexOf<Entry>(named: NamedEntries<Entry>): Folder<Entry> {
  const entries = new Map<string, Entry>();
  let weight = ENTRY_BYTES;
  for (const [key, entry] of named) {
    if (weight > KEPT_BYTES) return { entries, weight, isComplete: false };
    if (!entries.has(key)) entries.set(key, entry);
    weight += ENTRY_BYTES + key.length * 2;
  }
  return { entries, weight, isComplete: true };
}

function scan<Entry>(named: NamedEntries<Entry>, wanted: string): Entry | undefined {
  for (const [key, entry] of named) if (key === wanted) return entry;
  return undefined;
}
