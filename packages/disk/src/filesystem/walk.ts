import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { DirectoryEntry } from './file-system.ts';
import type { Mount } from './file-tree.ts';
import { listFolder } from './listing.ts';
import type { Place, Resolver } from './resolver.ts';

const MAX_DEPTH = 256;

interface Level {
  readonly folder: Place;
  readonly entries: Iterator<DirectoryEntry>;
}

/** The start and all below it, folders before their content. A stack of its own: generators in generators cost a call per level. */
export function* walkFrom(resolver: Resolver, start: Place): Generator<Place> {
  const folders = new SeenFolders();
  const levels: Level[] = [];
  const enter = (place: Place) => {
    if (place.node.stat.type !== 'directory') return;
    if (levels.length >= MAX_DEPTH) throw tooDeep(place.path);
    folders.add(place);
    levels.push({ folder: place, entries: listFolder(resolver, place).values() });
  };
  yield start;
  enter(start);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const place = nextPlace(resolver, level);
    if (place === undefined) levels.pop();
    else {
      yield place;
      enter(place);
    }
  }
}

function nextPlace(resolver: Resolver, { folder, entries }: Level): Place | undefined {
  const { value, done } = entries.next();
  return done ? undefined : resolver.child(folder, value.name, () => value.node());
}

/** A folder has one name. A second would make the walk endless, or as good as endless. */
class SeenFolders {
  readonly #inodes = new Map<Mount, Set<number>>();

  add({ mount, node, path }: Place): void {
    const seen = this.#inodes.get(mount) ?? new Set();
    this.#inodes.set(mount, seen);
    if (seen.has(node.stat.inode)) {
      const message = `Cannot walk ${quote(path)}: the folder is already known under another path`;
      throw new DiskError('corrupt', message, { path });
    }
    seen.add(node.stat.inode);
  }
}

function tooDeep(path: string): DiskError {
  const message = `Cannot walk ${quote(path)}: it is more than ${MAX_DEPTH} folders deep`;
  return new DiskError('unsupported', message, { path });
}
