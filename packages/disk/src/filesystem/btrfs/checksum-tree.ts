import { key } from './key.ts';
import { EXTENT_CHECKSUMS, ITEM } from './layout.ts';
import type { ItemTree } from './tree.ts';
import type { Item } from './tree-block.ts';

export interface ChecksumRange {
  readonly start: number;
  readonly end: number;
  readonly sectorSize: number;
  /** Of one checksum. */
  readonly size: number;
}

export interface StoredChecksum {
  /** Of a sector. */
  readonly address: number;
  readonly stored: Uint8Array;
}

/** The checksums of the sectors in a range, as far as there are any. */
export function* readChecksums(tree: ItemTree | undefined, range: ChecksumRange): Generator<StoredChecksum> {
  if (tree === undefined) return;
  const { start, end, sectorSize, size } = range;
  for (const { key: itemKey, bytes } of itemsOf(tree, range)) {
    const first = Math.max(0, Math.ceil((start - itemKey.offset) / sectorSize));
    const count = Math.min(Math.floor(bytes.length / size), Math.ceil((end - itemKey.offset) / sectorSize));
    for (let index = first; index < count; index++) {
      const stored = bytes.subarray(index * size, (index + 1) * size);
      yield { address: itemKey.offset + index * sectorSize, stored };
    }
  }
}

/** Each item is for a run of sectors from its offset on; the first one may begin before the range. */
function* itemsOf(tree: ItemTree, { start, end }: ChecksumRange): Generator<Item> {
  const first = tree.lastNotAfter(key(EXTENT_CHECKSUMS, ITEM.EXTENT_CHECKSUM, start));
  const isOurs = first?.key.objectId === EXTENT_CHECKSUMS && first.key.type === ITEM.EXTENT_CHECKSUM;
  const from = isOurs ? first.key : key(EXTENT_CHECKSUMS, ITEM.EXTENT_CHECKSUM, start);
  yield* tree.scan(from, key(EXTENT_CHECKSUMS, ITEM.EXTENT_CHECKSUM, end - 1));
}
