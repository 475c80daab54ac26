import type { DirectoryRecord } from '../../directory.ts';
import type { NameKey } from '../../folder-index.ts';

interface NameChange extends DirectoryRecord {
  readonly isAdded: boolean;
}

/** Names that were added to a folder and removed from it. */
export class ChangedFolder {
  /** The folder did not exist before: what is stored where its content should be is another's. */
  readonly #isNew: boolean;
  readonly #changes: NameChange[] = [];

  constructor({ isNew }: { readonly isNew: boolean }) {
    this.#isNew = isNew;
  }

  add(record: DirectoryRecord): void {
    this.#changes.push({ ...record, isAdded: true });
  }

  remove(record: DirectoryRecord): void {
    this.#changes.push({ ...record, isAdded: false });
  }

  /** The content of the folder as it is with the changes; names of one `key` are one. */
  *over(stored: Iterable<DirectoryRecord>, key: NameKey): Generator<DirectoryRecord> {
    const changes = Map.groupBy(this.#changes, ({ name }) => key(name));
    for (const record of this.#isNew ? [] : stored) {
      const changesOfName = changes.get(key(record.name)) ?? [];
      changes.delete(key(record.name));
      const changed = changesOfName.reduce(change, record);
      if (changed !== undefined) yield changed;
    }
    for (const changesOfName of changes.values()) {
      const added = changesOfName.reduce(change, undefined);
      if (added !== undefined) yield added;
    }
  }
}

/** A name that is taken stays with whom it leads to, and is removed only on behalf of that one. */
function change(record: DirectoryRecord | undefined, { isAdded, ...changed }: NameChange): DirectoryRecord | undefined {
  if (isAdded) return record ?? changed;
  return record?.inode === changed.inode ? undefined : record;
}
