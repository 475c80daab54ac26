import { compareKeys, type Key } from './key.ts';
import { checkMeant, type Item, type TreeBlock, type TreePointer } from './tree-block.ts';

/** Items in the order of their keys. */
export interface ItemTree {
  /** The item with this key. */
  find(key: Key): Item | undefined;
  /** The last item with this key or one before it. */
  lastNotAfter(key: Key): Item | undefined;
  /** Items from one key to another, both included. */
  scan(from: Key, to: Key): Iterable<Item>;
}

/** What blocks come from; they are kept there. */
export interface BlockReader {
  block(pointer: TreePointer): TreeBlock;
}

/** A tree as it is stored, read as far as it is asked. */
export class StoredTree implements ItemTree {
  readonly #reader: BlockReader;
  readonly #root: TreePointer;

  constructor(reader: BlockReader, root: TreePointer) {
    this.#reader = reader;
    this.#root = root;
  }

  find(key: Key): Item | undefined {
    const item = this.lastNotAfter(key);
    return item !== undefined && compareKeys(item.key, key) === 0 ? item : undefined;
  }

  lastNotAfter(key: Key): Item | undefined {
    let block = this.#read(this.#root);
    for (;;) {
      const index = block.lastNotAfter(key);
      if (index < 0) return undefined;
      if (block.level === 0) return block.itemAt(index);
      block = this.#read(block.childAt(index));
    }
  }

  *scan(from: Key, to: Key): Generator<Item> {
    // the place in each block on the way down, the root first
    const path: { readonly block: TreeBlock; index: number }[] = [];
    this.#descend(path, this.#root, from);
    for (let leaf = path.at(-1); leaf !== undefined; leaf = path.at(-1)) {
      const { block } = leaf;
      for (; leaf.index < block.count; leaf.index++) {
        const item = block.itemAt(leaf.index);
        if (compareKeys(item.key, to) > 0) return;
        yield item;
      }
      if (!this.#advance(path, from)) return;
    }
  }

  /** Down to the leaf in which a key would be. */
  #descend(path: { readonly block: TreeBlock; index: number }[], pointer: TreePointer, key: Key): void {
    let block = this.#read(pointer);
    for (; block.level > 0; block = this.#read(block.childAt(path.at(-1)?.index ?? 0))) {
      path.push({ block, index: Math.max(block.lastNotAfter(key), 0) });
    }
    const last = block.lastNotAfter(key);
    const isThere = last >= 0 && compareKeys(block.keyAt(last), key) === 0;
    path.push({ block, index: isThere ? last : last + 1 });
  }

  /** To the leaf behind the one that ended. */
  #advance(path: { readonly block: TreeBlock; index: number }[], from: Key): boolean {
    path.pop();
    for (let place = path.at(-1); place !== undefined; place = path.at(-1)) {
      place.index += 1;
      if (place.index < place.block.count) {
        this.#descend(path, place.block.childAt(place.index), from);
        return true;
      }
      path.pop();
    }
    return false;
  }

  #read(pointer: TreePointer): TreeBlock {
    const block = this.#reader.block(pointer);
    checkMeant(block, pointer);
    return block;
  }
}
