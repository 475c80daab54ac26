import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { FileNode } from './file-system.ts';
import type { Mount } from './file-tree.ts';

const MAX_LINKS = 40;

/** A node and how it was reached: its path has no links in it. */
export interface Place {
  readonly path: string;
  readonly node: FileNode;
  readonly mount: Mount;
  /** The place of `..`; the root is its own. */
  readonly parent: Place | undefined;
}

/** Finds places by their paths, over all that is mounted. It never leaves the root: there is nothing above it. */
export class Resolver {
  readonly root: Place;
  /** By canonical path. */
  readonly #mounts = new Map<string, Mount>();

  constructor(mounts: readonly Mount[]) {
    const [first, ...others] = mounts.toSorted((one, other) => depthOf(one) - depthOf(other));
    if (first === undefined || depthOf(first) > 0) {
      throw new TypeError('Cannot make a file tree: no filesystem is mounted on "/", expected one');
    }
    this.root = { path: '/', node: first.fileSystem.root, mount: first, parent: undefined };
    for (const mount of others) this.#mounts.set(this.#canonical(mount.path), mount);
  }

  /** The place at a path, or `undefined` when something on the way does not exist. @throws DiskError `corrupt` after 40 links */
  resolve(path: string, { followLast }: { readonly followLast: boolean }): Place | undefined {
    let place: Place | undefined = this.root;
    let links = 0;
    const pending = componentsOf(path).reverse();
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const next = this.#step(place, name);
      if (next === undefined) return undefined;
      const isFollowed = next.node.stat.type === 'symlink' && (followLast || pending.length > 0);
      if (!isFollowed) {
        place = next;
        continue;
      }
      if (++links > MAX_LINKS) throw tooManyLinks(path);
      const target = next.node.readlink();
      if (target === '') return undefined;
      if (target.startsWith('/')) place = this.root;
      pending.push(...componentsOf(target).reverse());
    }
    return place;
  }

  /** A filesystem mounted on a name stands in its place, and needs no folder beneath it. */
  child(parent: Place, name: string, node: () => FileNode | undefined): Place | undefined {
    const path = join(parent.path, name);
    // most trees have one filesystem: looking up a path makes its hash
    const mount = this.#mounts.size === 0 ? undefined : this.#mounts.get(path);
    const found = mount === undefined ? node() : mount.fileSystem.root;
    return found && { path, node: found, mount: mount ?? parent.mount, parent };
  }

  /** What is mounted right inside a folder, by name. */
  mountsIn(folder: Place): ReadonlyMap<string, Mount> {
    if (this.#mounts.size === 0) return this.#mounts;
    const prefix = join(folder.path, '');
    const inside = [...this.#mounts].filter(([path]) => path.startsWith(prefix) && !path.includes('/', prefix.length));
    return new Map(inside.map(([path, mount]) => [path.slice(prefix.length), mount]));
  }

  #step(place: Place, name: string): Place | undefined {
    if (place.node.stat.type !== 'directory') return undefined;
    if (name === '..') return place.parent ?? place;
    return this.child(place, name, () => place.node.lookup(name));
  }

  #canonical(path: string): string {
    return this.resolve(path, { followLast: true })?.path ?? `/${componentsOf(path).join('/')}`;
  }
}

function depthOf({ path }: Mount): number {
  return componentsOf(path).length;
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

export function join(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

function tooManyLinks(path: string): DiskError {
  const message = `Cannot resolve ${quote(path)}: more than ${MAX_LINKS} symbolic links on the way`;
  return new DiskError('corrupt', message, { path });
}
