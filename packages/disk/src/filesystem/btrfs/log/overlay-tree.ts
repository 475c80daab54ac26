import { unsupported } from '../error.ts';
import { compareKeys, type Key, LAST_OFFSET } from '../key.ts';
import type { ItemTree } from '../tree.ts';
import type { Item } from '../tree-block.ts';

interface Change {
  readonly key: Key;
  /** `undefined` of what was deleted. */
  readonly item: Item | undefined;
}

/** Logs are written anew with every commit, seconds apart: a longer one was made to keep a reader busy. */
const MOST_CHANGES = 100_000;

/** A tree with changes in memory, the stored one untouched. */
export class OverlayTree implements ItemTree {
  readonly #below: ItemTree;
  /** By key. */
  readonly #changes: Change[] = [];

  constructor(below: ItemTree) {
    this.#below = below;
  }

  set(key: Key, bytes: Uint8Array): void {
    this.#change({ key, item: { key, bytes, offset: 0 } });
  }

  delete(key: Key): void {
    this.#change({ key, item: undefined });
  }

  find(key: Key): Item | undefined {
    const change = this.#changeOf(key);
    return change === undefined ? this.#below.find(key) : change.item;
  }

  lastNotAfter(key: Key): Item | undefined {
    const stored = this.#lastUnchanged(key);
    let index = this.#firstAfter(key) - 1;
    while (index >= 0 && this.#changes[index]?.item === undefined) index--;
    const changed = this.#changes[index]?.item;
    if (stored === undefined || changed === undefined) return stored ?? changed;
    return compareKeys(stored.key, changed.key) > 0 ? stored : changed;
  }

  *scan(from: Key, to: Key): Generator<Item> {
    let index = this.#firstNotBefore(from);
    for (const stored of this.#below.scan(from, to)) {
      for (; this.#isBefore(index, stored.key); index++) yield* present(this.#changes[index]);
      if (this.#changeOf(stored.key) === undefined) yield stored;
    }
    for (; index < this.#changes.length; index++) {
      const change = this.#changes[index];
      if (change === undefined || compareKeys(change.key, to) > 0) return;
      yield* present(change);
    }
  }

  #isBefore(index: number, key: Key): boolean {
    const change = this.#changes[index];
    return change !== undefined && compareKeys(change.key, key) <= 0;
  }

  #lastUnchanged(key: Key): Item | undefined {
    let item = this.#below.lastNotAfter(key);
    while (item !== undefined && this.#changeOf(item.key) !== undefined) {
      const previous = keyBefore(item.key);
      item = previous && this.#below.lastNotAfter(previous);
    }
    return item;
  }

  #changeOf(key: Key): Change | undefined {
    const change = this.#changes[this.#firstNotBefore(key)];
    return change !== undefined && compareKeys(change.key, key) === 0 ? change : undefined;
  }

  #change(change: Change): void {
    const index = this.#firstNotBefore(change.key);
    const known = this.#changes[index];
    const isKnown = known !== undefined && compareKeys(known.key, change.key) === 0;
    if (this.#changes.length >= MOST_CHANGES) {
      throw unsupported(`Cannot replay log: it makes more than ${MOST_CHANGES} changes`, 0);
    }
    this.#changes.splice(index, isKnown ? 1 : 0, change);
  }

  #firstAfter(key: Key): number {
    const index = this.#firstNotBefore(key);
    const change = this.#changes[index];
    return change !== undefined && compareKeys(change.key, key) === 0 ? index + 1 : index;
  }

  #firstNotBefore(key: Key): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys((this.#changes[middle] as Change).key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function present(change: Change | undefined): readonly Item[] {
  return change?.item === undefined ? [] : [change.item];
}

function keyBefore({ objectId, type, offset }: Key): Key | undefined {
  if (offset !== 0) return { objectId, type, offset: offset - 1 };
  if (type > 0) return { objectId, type: type - 1, offset: LAST_OFFSET };
  return objectId === 0 ? undefined : { objectId: objectId - 1, type: 0xff, offset: LAST_OFFSET };
}
