import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { type FileEntry, type FoundFile, filesAt, toEntry } from './file-entry.ts';
import { toRfc3339 } from './file-time.ts';
import type { ListingOptions } from './guestctl.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

export interface ListedEntry extends FileEntry {
  /** RFC 3339 in UTC, or null where no calendar has it. */
  readonly mtime: string | null;
}

export async function ls(image: string, path: string, options: ListingOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    const files = filesAt(path, { tree, recursive: options.recursive === true, unreadable });
    const entries = files.map((file) => toListedEntry(file, unreadable));
    await print(options.output, entries, renderListing);
    unreadable.conclude(path);
  });
}

export function toListedEntry(file: FoundFile, unreadable: Unreadable): ListedEntry {
  const { target, ...entry } = toEntry(file, unreadable);
  return { ...entry, mtime: toRfc3339(file.node.stat.modifiedAt), target };
}

export function renderListing(entries: readonly ListedEntry[]): string {
  return renderTable(
    [
      { title: 'TYPE', cell: (entry) => entry.type },
      { title: 'MODE', cell: (entry) => entry.mode },
      { title: 'UID', align: 'right', cell: (entry) => entry.uid },
      { title: 'GID', align: 'right', cell: (entry) => entry.gid },
      { title: 'SIZE', align: 'right', cell: (entry) => entry.size },
      { title: 'MODIFIED', cell: (entry) => entry.mtime?.replace(/\.\d+/, '') },
      { title: 'PATH', cell: (entry) => (entry.target === null ? entry.path : `${entry.path} -> ${entry.target}`) },
    ],
    entries,
  );
}
