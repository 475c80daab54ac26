import type { FileTime } from '@guestkit/disk';
import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { type FileEntry, filesAt, toEntry } from './file-entry.ts';
import type { ListingOptions } from './guestctl.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

interface ListedEntry extends FileEntry {
  /** RFC 3339 in UTC; null where the filesystem keeps a time that no calendar has. */
  readonly mtime: string | null;
}

export async function ls(image: string, path: string, options: ListingOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    const files = filesAt(path, { tree, recursive: options.recursive === true, unreadable });
    const entries = files.map((file): ListedEntry => {
      const { target, ...entry } = toEntry(file, unreadable);
      return { ...entry, mtime: toRfc3339(file.node.stat.modifiedAt), target };
    });
    await print(options.output, entries, renderListing);
    unreadable.conclude(path);
  });
}

function toRfc3339({ seconds, nanoseconds }: FileTime): string | null {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return null;
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0')}`;
  return date.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}

function renderListing(entries: readonly ListedEntry[]): string {
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
