import { asFact } from '../../error.ts';
import { readFields } from '../../fields.ts';
import type { Subvolume } from '../file-system.ts';
import { decodeName } from '../name.ts';
import { hashName, readDirItems, sameBytes } from './dir-item.ts';
import { corrupt } from './error.ts';
import { has } from './features.ts';
import { pathOfFolder } from './inode-ref.ts';
import { key, LAST_OFFSET } from './key.ts';
import {
  FIRST_FREE_ID,
  ITEM,
  LAST_FREE_ID,
  ROOT,
  ROOT_FOLDER,
  ROOT_READ_ONLY,
  ROOT_REF,
  ROOT_REF_SIZE,
  ROOT_TREE_DIRECTORY,
  TREE,
} from './layout.ts';
import { BtrfsNode } from './node.ts';
import type { ItemTree } from './tree.ts';
import type { Item } from './tree-block.ts';
import type { BtrfsVolume } from './volume.ts';

/** One tree of files. */
export interface FileItems {
  readonly id: number;
  readonly tree: ItemTree;
}

/** Where a subvolume is seen: in a folder of another one, under a name. */
export interface SubvolumePlace {
  readonly parent: number;
  readonly folder: number;
  readonly name: Uint8Array;
}

/** More subvolumes inside each other than this are not anybody's. */
const DEEPEST_NEST = 256;

/** The trees of files of one filesystem: what is mounted by default, what is named from there, and all the others. */
export class Subvolumes {
  readonly volume: BtrfsVolume;
  readonly #opened = new Map<number, FileItems>();
  #listed: readonly Subvolume[] | undefined;

  constructor(volume: BtrfsVolume) {
    this.volume = volume;
  }

  /** @throws DiskError `corrupt` when there is no such subvolume */
  open(id: number): FileItems {
    const known = this.#opened.get(id);
    if (known !== undefined) return known;
    const opened = { id, tree: this.volume.fileTree(id) };
    this.#opened.set(id, opened);
    return opened;
  }

  root(id: number): BtrfsNode {
    const root = new BtrfsNode(this, this.open(id), ROOT_FOLDER);
    if (root.stat.type === 'directory') return root;
    throw corrupt(`Cannot open subvolume ${id}: its root is a ${root.stat.type}, expected a directory`, 0);
  }

  /** What a mount without options shows. */
  get defaultId(): number {
    const name = Buffer.from('default');
    const item = this.volume.roots.find(key(ROOT_TREE_DIRECTORY, ITEM.DIR, hashName(name)));
    const named = item && [...readDirItems(item)].find((entry) => sameBytes(entry.name, name));
    return named?.location.objectId ?? TREE.FS;
  }

  /** All that have a path; the top of the filesystem, whose path is empty, comes first. */
  list(): readonly Subvolume[] {
    this.#listed ??= [TREE.FS, ...this.#ids()].flatMap((id) => this.#describe(id));
    return this.#listed;
  }

  #describe(id: number): readonly Subvolume[] {
    const path = this.#readablePathOf(id);
    if (path === undefined) return [];
    const isReadOnly = has(this.#fields(id)?.flags ?? 0n, ROOT_READ_ONLY);
    return [{ id, path, isDefault: id === this.defaultId, isReadOnly, root: () => this.root(id) }];
  }

  /** What is damaged on the way to one subvolume leaves it without a path, and the others with theirs. */
  #readablePathOf(id: number): string | undefined {
    try {
      return this.pathOf(id);
    } catch (error) {
      asFact(error);
      return undefined;
    }
  }

  /** Whether a subvolume belongs where a folder names it; in a snapshot of that folder it does not. */
  isAt(id: number, { parent, folder, name }: SubvolumePlace): boolean {
    const reference = this.volume.roots.find(key(parent, ITEM.ROOT_REF, id));
    if (reference === undefined || (this.#fields(id)?.refs ?? 0) === 0) return false;
    const place = placeOf(reference, parent);
    return place.folder === folder && sameBytes(place.name, name);
  }

  /** Below the top of the filesystem; `undefined` of what was deleted or hangs nowhere. */
  pathOf(id: number): string | undefined {
    const parts: string[] = [];
    let current = id;
    for (let depth = 0; current !== TREE.FS; depth++) {
      const reference = this.#backReference(current);
      if (reference === undefined || (this.#fields(current)?.refs ?? 0) === 0 || depth > DEEPEST_NEST) return undefined;
      const { parent, folder, name } = placeOf(reference, reference.key.offset);
      parts.push(decodeName(name), ...pathOfFolder(this.open(parent).tree, folder).map(decodeName).reverse());
      current = parent;
    }
    return parts.reverse().join('/');
  }

  #backReference(id: number): Item | undefined {
    const [reference] = this.volume.roots.scan(key(id, ITEM.ROOT_BACKREF, 0), key(id, ITEM.ROOT_BACKREF, LAST_OFFSET));
    return reference;
  }

  *#ids(): Generator<number> {
    const { roots } = this.volume;
    let latest: number | undefined;
    for (const { key: itemKey } of roots.scan(key(FIRST_FREE_ID, 0, 0), key(LAST_FREE_ID, 0, 0))) {
      const { objectId, type } = itemKey;
      if (type === ITEM.ROOT && objectId !== latest && objectId > 0) yield objectId;
      if (type === ITEM.ROOT) latest = objectId;
    }
  }

  #fields(id: number) {
    const item = this.volume.rootItem(id);
    return item && readFields(item.bytes, ROOT, { format: 'btrfs', offset: item.offset });
  }
}

function placeOf({ bytes, offset }: Item, parent: number): SubvolumePlace {
  const { dirid, name_len: length } = readFields(bytes, ROOT_REF, { format: 'btrfs', offset });
  if (ROOT_REF_SIZE + length > bytes.length) throw corrupt('Cannot read subvolume: its name does not fit', offset);
  return { parent, folder: dirid, name: bytes.subarray(ROOT_REF_SIZE, ROOT_REF_SIZE + length) };
}
