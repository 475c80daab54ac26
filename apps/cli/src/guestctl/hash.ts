import { createHash } from 'node:crypto';
import type { FileNode } from '@guestkit/disk';
import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { chunksOf, type FileEntry, type FoundFile, filesAt, toEntry } from './file-entry.ts';
import type { ListingOptions } from './guestctl.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

interface HashedEntry extends FileEntry {
  /** Of regular files that can be read. */
  readonly sha256: string | null;
}

export async function hash(image: string, path: string, options: ListingOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    const files = filesAt(path, { tree, recursive: options.recursive === true, unreadable });
    const entries = files.map((file) => toHashedEntry(file, unreadable));
    await print(options.output, entries, renderHashes);
    unreadable.conclude(path);
  });
}

function toHashedEntry(file: FoundFile, unreadable: Unreadable): HashedEntry {
  const { target, ...entry } = toEntry(file, unreadable);
  const sha256 = entry.type === 'file' ? unreadable.attempt(file.path, () => sha256Of(file.node)) : undefined;
  return { ...entry, sha256: sha256 ?? null, target };
}

function sha256Of(node: FileNode): string {
  const digest = createHash('sha256');
  for (const chunk of chunksOf(node.open())) digest.update(chunk);
  return digest.digest('hex');
}

function renderHashes(entries: readonly HashedEntry[]): string {
  return renderTable(
    [
      { title: 'MODE', cell: (entry) => entry.mode },
      { title: 'UID', align: 'right', cell: (entry) => entry.uid },
      { title: 'GID', align: 'right', cell: (entry) => entry.gid },
      { title: 'SIZE', align: 'right', cell: (entry) => entry.size },
      { title: 'SHA256', cell: (entry) => entry.sha256 ?? (entry.type === 'file' ? 'unreadable' : entry.type) },
      { title: 'PATH', cell: (entry) => withTarget(entry) },
    ],
    entries,
  );
}

function withTarget({ path, target }: FileEntry): string {
  return target === null ? path : `${path} -> ${target}`;
}
