import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { DirectoryEntry } from './file-system.ts';
import { sortByName } from './name.ts';
import type { Place, Resolver } from './resolver.ts';

/** More names than this in one folder are not sorted in memory. */
const MAX_ENTRIES = 1_000_000;

/** The entries of a folder sorted by name, with what is mounted on them in their place. */
export function listFolder(resolver: Resolver, folder: Place): DirectoryEntry[] {
  const mounts = resolver.mountsIn(folder);
  const entries: DirectoryEntry[] = [...mounts].map(([name, { fileSystem }]) => ({
    name,
    type: 'directory',
    node: () => fileSystem.root,
  }));
  for (const entry of folder.node.list()) {
    if (!mounts.has(entry.name)) entries.push(entry);
    if (entries.length > MAX_ENTRIES) throw tooMany(folder.path);
  }
  return sortByName(entries);
}

function tooMany(path: string): DiskError {
  const message = `Cannot list ${quote(path)}: it has more than ${MAX_ENTRIES} entries`;
  return new DiskError('unsupported', message, { path });
}
