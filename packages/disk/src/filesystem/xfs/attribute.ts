import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { AttributeBlocks } from './attribute-blocks.ts';
import { corrupt } from './corrupt.ts';
import { has } from './features.ts';
import { type Fork, type Inode, isLocal } from './inode.ts';
import { ATTRIBUTE_FLAG, ATTRIBUTE_LEAF_ENTRY, DA_ENTRY_SIZE } from './layout.ts';
import type { XfsVolume } from './volume.ts';

/** An attribute as stored. */
export interface Attribute {
  readonly flags: number;
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** The attributes of an inode: those that were set to the end, and are not the filesystem's own. */
export function* readAttributes(volume: XfsVolume, inode: Inode): Generator<Attribute> {
  const { attributes } = inode;
  if (attributes === undefined) return;
  for (const attribute of isLocal(attributes) ? shortForm(inode, attributes) : inLeaves(volume, inode, attributes)) {
    if (!has(attribute.flags, ATTRIBUTE_FLAG.INCOMPLETE | ATTRIBUTE_FLAG.PARENT)) yield attribute;
  }
}

const SHORT_HEADER_SIZE = 4;
const SHORT_ENTRY = { namelen: [0, 'u8'], valuelen: [1, 'u8'], flags: [2, 'u8'] } as const;
const SHORT_ENTRY_HEADER_SIZE = 3;

/** A few small attributes in the inode itself. */
function* shortForm({ number }: Inode, { bytes, offset }: Fork): Generator<Attribute> {
  const { count } = readFields(bytes, { count: [2, 'u8'] }, { format: 'xfs', offset });
  let position = SHORT_HEADER_SIZE;
  for (let index = 0; index < count; index++) {
    const entry = readFields(bytes.subarray(position), SHORT_ENTRY, { format: 'xfs', offset: offset + position });
    const name = position + SHORT_ENTRY_HEADER_SIZE;
    const value = name + entry.namelen;
    position = value + entry.valuelen;
    if (position > bytes.length) throw past(number, offset + name);
    yield { flags: entry.flags, name: bytes.subarray(name, value), value: bytes.subarray(value, position) };
  }
}

function* inLeaves(volume: XfsVolume, inode: Inode, fork: Fork): Generator<Attribute> {
  // a fork that was emptied has no block left
  if (fork.extentCount === 0) return;
  const blocks = new AttributeBlocks(volume, inode.number, fork);
  for (const { bytes, offset, count, firstEntry } of blocks.leaves()) {
    for (let index = 0; index < count; index++) {
      const entry = bytes.subarray(firstEntry + index * DA_ENTRY_SIZE);
      const place = readFields(entry, ATTRIBUTE_LEAF_ENTRY, { format: 'xfs', offset });
      // a value that was not set to the end may not be there
      if (!has(place.flags, ATTRIBUTE_FLAG.INCOMPLETE)) yield attributeAt(blocks, bytes, place, offset);
    }
  }
}

const LOCAL = { valuelen: [0, 'u16be'], namelen: [2, 'u8'] } as const;
const LOCAL_HEADER_SIZE = 3;
const REMOTE = { valueblk: [0, 'u32be'], valuelen: [4, 'u32be'], namelen: [8, 'u8'] } as const;
const REMOTE_HEADER_SIZE = 9;

function attributeAt(
  blocks: AttributeBlocks,
  leaf: Uint8Array,
  { nameidx, flags }: Fields<typeof ATTRIBUTE_LEAF_ENTRY>,
  offset: number,
): Attribute {
  const bytes = leaf.subarray(nameidx);
  const place = { format: 'xfs', offset: offset + nameidx };
  if (!has(flags, ATTRIBUTE_FLAG.LOCAL)) {
    const { valueblk, valuelen, namelen } = readFields(bytes, REMOTE, place);
    const name = bytes.subarray(REMOTE_HEADER_SIZE, REMOTE_HEADER_SIZE + namelen);
    return { flags, name, value: blocks.remoteValue(valueblk, valuelen) };
  }
  const { valuelen, namelen } = readFields(bytes, LOCAL, place);
  const value = LOCAL_HEADER_SIZE + namelen;
  if (value + valuelen > bytes.length) throw past(blocks.inode, place.offset);
  return { flags, name: bytes.subarray(LOCAL_HEADER_SIZE, value), value: bytes.subarray(value, value + valuelen) };
}

function past(inode: number, offset: number) {
  return corrupt(`Cannot read attributes of inode ${inode}: one at ${hex(offset)} reaches past its area`, offset);
}
