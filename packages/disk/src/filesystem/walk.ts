import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { DirectoryEntry } from './file-system.ts';
import type { Mount, WalkOptions } from './file-tree.ts';
import { listFolder } from './listing.ts';
import { join, type Place, type Resolver } from './resolver.ts';

const MAX_DEPTH = 256;

/** The start and all below it, folders before their content. */
export function walkFrom(resolver: Resolver, start: Place, options: WalkOptions): Iterable<Place> {
  return new Walk(resolver, options).from(start);
}

interface Level {
  readonly folder: Place;
  readonly entries: Iterator<DirectoryEntry>;
}

/** Keeps a stack of its own: with a generator for each folder, every step would pass through all levels. */
class Walk {
  readonly #resolver: Resolver;
  readonly #options: WalkOptions;
  readonly #levels: Level[] = [];
  /** Numbers of folders, by mount and subvolume. */
  readonly #entered = new Map<Mount, Map<number | undefined, Set<number>>>();

  constructor(resolver: Resolver, options: WalkOptions) {
    this.#resolver = resolver;
    this.#options = options;
  }

  *from(start: Place): Generator<Place> {
    const { maxDepth = Number.POSITIVE_INFINITY } = this.#options;
    for (let place: Place | undefined = start; place !== undefined; place = this.#next()) {
      yield place;
      if (place.node.stat.type === 'directory' && this.#levels.length < maxDepth) this.#enter(place);
    }
  }

  #next(): Place | undefined {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const { value: entry, done } = level.entries.next();
      const place = done ? undefined : this.#placeOf(level.folder, entry);
      if (done) this.#levels.pop();
      if (place !== undefined) return place;
    }
    return undefined;
  }

  #placeOf(folder: Place, entry: DirectoryEntry): Place | undefined {
    const child = () => this.#resolver.child(folder, entry.name, () => entry.node());
    return this.#attempt(child, () => join(folder.path, entry.name));
  }

  #enter(folder: Place): void {
    const entries = this.#attempt(
      () => {
        this.#checkEntering(folder);
        return listFolder(this.#resolver, folder).values();
      },
      () => folder.path,
    );
    if (entries !== undefined) this.#levels.push({ folder, entries });
  }

  #checkEntering({ mount, node, path }: Place): void {
    if (this.#levels.length >= MAX_DEPTH) throw tooDeep(path);
    const entered = this.#enteredIn(mount, node.stat.subvolume);
    // a folder has one name: a second would make the walk endless, or as good as endless
    if (entered.has(node.stat.inode)) throw alreadyKnown(path);
    entered.add(node.stat.inode);
  }

  #enteredIn(mount: Mount, subvolume: number | undefined): Set<number> {
    const subvolumes = this.#entered.get(mount) ?? new Map<number | undefined, Set<number>>();
    this.#entered.set(mount, subvolumes);
    const entered = subvolumes.get(subvolume) ?? new Set();
    subvolumes.set(subvolume, entered);
    return entered;
  }

  #attempt<T>(action: () => T, path: () => string): T | undefined {
    const { onUnreadable } = this.#options;
    if (onUnreadable === undefined) return action();
    try {
      return action();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      onUnreadable(path(), error);
      return undefined;
    }
  }
}

function tooDeep(path: string): DiskError {
  const message = `Cannot walk ${quote(path)}: it is more than ${MAX_DEPTH} folders deep`;
  return new DiskError('unsupported', message, { path });
}

function alreadyKnown(path: string): DiskError {
  const message = `Cannot walk ${quote(path)}: the folder is already known under another path`;
  return new DiskError('corrupt', message, { path });
}
