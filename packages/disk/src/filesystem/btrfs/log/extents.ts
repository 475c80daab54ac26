import { readFields } from '../../../fields.ts';
import { parseExtent } from '../file-extent.ts';
import { key } from '../key.ts';
import { EXTENT_REGULAR, ITEM } from '../layout.ts';
import type { Item } from '../tree-block.ts';
import type { OverlayTree } from './overlay-tree.ts';

interface Range {
  readonly start: number;
  readonly end: number;
}

export function extentEnd(item: Item): number {
  return parseExtent(item).end;
}

export function isHole(item: Item): boolean {
  return parseExtent(item).content.kind === 'absent';
}

/** Takes a range of a file away; of extents that reach out of it, the ends are left. */
export function dropExtents(files: OverlayTree, inode: number, range: Range): void {
  const first = files.lastNotAfter(key(inode, ITEM.EXTENT_DATA, range.start));
  const isOurs = first?.key.objectId === inode && first.key.type === ITEM.EXTENT_DATA;
  const from = isOurs ? first.key : key(inode, ITEM.EXTENT_DATA, range.start);
  for (const item of [...files.scan(from, key(inode, ITEM.EXTENT_DATA, range.end - 1))]) dropExtent(files, item, range);
}

function dropExtent(files: OverlayTree, item: Item, range: Range): void {
  const { start, end, content } = parseExtent(item);
  const isPart = start < range.end && end > range.start;
  if (!isPart) return;
  if (content.kind === 'inline') {
    // it is never cut: what goes on behind its sector starts there
    if (start >= range.start) files.delete(item.key);
    return;
  }
  files.delete(item.key);
  if (start < range.start) files.set(item.key, part(item, { start, end: range.start }));
  if (end > range.end) files.set({ ...item.key, offset: range.end }, part(item, { start: range.end, end }));
}

function part(item: Item, { start, end }: Range): Uint8Array {
  const bytes = Uint8Array.from(item.bytes);
  const view = new DataView(bytes.buffer);
  const raw = readFields(bytes, EXTENT_REGULAR, { format: 'btrfs', offset: item.offset });
  const skipped = start - item.key.offset;
  view.setBigUint64(EXTENT_REGULAR.num_bytes[0], BigInt(end - start), true);
  // a hole has nothing to skip
  if (raw.disk_bytenr !== 0) view.setBigUint64(EXTENT_REGULAR.offset[0], BigInt(raw.offset + skipped), true);
  return bytes;
}
