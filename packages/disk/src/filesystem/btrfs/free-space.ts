import type { ByteRange } from '../file-system.ts';
import type { Chunk } from './chunk.ts';
import { key, LAST_OFFSET } from './key.ts';
import { ITEM, TREE } from './layout.ts';
import type { ItemTree } from './tree.ts';
import type { BtrfsVolume } from './volume.ts';

/** Addresses of a chunk that hold nothing, in order: by the tree of free space, or else by what the tree of extents leaves. */
export function freeAddresses(volume: BtrfsVolume, chunk: Chunk): Iterable<ByteRange> {
  if (volume.superblock.hasFreeSpaceTree) return fromFreeSpace(volume.tree(TREE.FREE_SPACE), chunk, volume);
  return fromExtents(volume.tree(TREE.EXTENT), chunk, volume);
}

function* fromFreeSpace(tree: ItemTree, { start, end }: Chunk, volume: BtrfsVolume): Generator<ByteRange> {
  for (const item of tree.scan(key(start, 0, 0), key(end - 1, 0xff, LAST_OFFSET))) {
    const { objectId: offset, type, offset: length } = item.key;
    const isInside = offset >= start && offset + length <= end;
    if (isInside && type === ITEM.FREE_SPACE_EXTENT) yield { offset, length };
    if (isInside && type === ITEM.FREE_SPACE_BITMAP) yield* fromBitmap(item.bytes, offset, volume);
  }
}

/** A bit for each sector, the lowest first; set where it is free. */
function* fromBitmap(bits: Uint8Array, start: number, { superblock }: BtrfsVolume): Generator<ByteRange> {
  const { sectorSize } = superblock;
  const isFree = (sector: number) => (((bits[sector >> 3] ?? 0) >> (sector & 7)) & 1) === 1;
  for (let sector = 0; sector < bits.length * 8; sector++) {
    if (!isFree(sector)) continue;
    const first = sector;
    while (isFree(sector + 1)) sector++;
    yield { offset: start + first * sectorSize, length: (sector + 1 - first) * sectorSize };
  }
}

function* fromExtents(tree: ItemTree, { start, end }: Chunk, { superblock }: BtrfsVolume): Generator<ByteRange> {
  let position = start;
  for (const { key: extent } of tree.scan(key(start, 0, 0), key(end - 1, 0xff, LAST_OFFSET))) {
    if (extent.type !== ITEM.EXTENT && extent.type !== ITEM.METADATA) continue;
    if (extent.objectId > position) yield { offset: position, length: extent.objectId - position };
    const length = extent.type === ITEM.METADATA ? superblock.nodeSize : extent.offset;
    position = Math.max(position, extent.objectId + length);
  }
  if (end > position) yield { offset: position, length: end - position };
}
