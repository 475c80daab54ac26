import { crc32c } from '../../crc32c.ts';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import { lastNotAfter } from '../last-not-after.ts';
import type { BlockMap, BlockRun } from './block-map.ts';
import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';
import {
  EXTENT_ENTRY_SIZE,
  EXTENT_HEADER,
  EXTENT_MAGIC,
  EXTENT_MAX_DEPTH,
  EXTENT_MAX_LENGTH,
  I_BLOCK,
} from './layout.ts';
import type { Ext4Volume } from './volume.ts';

/** Blocks of a file are numbered in 32 bits. */
const BLOCK_LIMIT = 2 ** 32;
const KEPT_NODES = 64;

/** An entry of a leaf is a run of blocks; an entry of an index covers what is below the node in block `physical`. */
export interface ExtentEntry {
  readonly first: number;
  readonly end: number;
  readonly physical: number;
  /** Allocated, but never written: reads as zeros. */
  readonly isUnwritten: boolean;
}

interface ExtentNode {
  readonly depth: number;
  /** Ascending and apart, all within the range of the node. */
  readonly entries: readonly ExtentEntry[];
  /** Where the range of the node ends. */
  readonly end: number;
}

/** What a node must be, from what led to it: so no tree can loop, overlap or grow deep. */
interface NodePlace {
  readonly offset: number;
  readonly depth: number | undefined;
  readonly first: number;
  readonly end: number;
}

/** The extent tree of an inode, read as far as it is asked. */
export class ExtentMap implements BlockMap {
  readonly #volume: Ext4Volume;
  readonly #inode: Inode;
  readonly #root: ExtentNode;
  readonly #nodes = new Lru<number, ExtentNode>(KEPT_NODES, () => 1);

  constructor(volume: Ext4Volume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    const place = { offset: inode.offset + I_BLOCK, depth: undefined, first: 0, end: BLOCK_LIMIT };
    this.#root = this.#parse(inode.blockArea, place);
  }

  runAt(block: number): BlockRun {
    let node = this.#root;
    for (;;) {
      const index = lastNotAfter(node.entries, block);
      const entry = node.entries[index];
      const next = node.entries[index + 1]?.first ?? node.end;
      if (entry === undefined || block >= entry.end) return { physical: undefined, count: next - block };
      if (node.depth === 0) return runWithin(entry, block);
      node = this.#child(node, entry);
    }
  }

  #child(parent: ExtentNode, { first, end, physical }: ExtentEntry): ExtentNode {
    const known = this.#nodes.get(physical);
    if (known !== undefined && known.end === end && known.depth === parent.depth - 1) return known;
    const offset = this.#volume.offsetOf(physical);
    const bytes = this.#volume.block(physical);
    const node = this.#parse(bytes, { offset, depth: parent.depth - 1, first, end });
    this.#checkChecksum(bytes, offset);
    this.#nodes.set(physical, node);
    return node;
  }

  #parse(bytes: Uint8Array, place: NodePlace): ExtentNode {
    const { count, depth } = this.#parseHeader(bytes, place);
    const entries: ExtentEntry[] = [];
    let least = place.first;
    for (let index = 1; index <= count; index++) {
      const offset = index * EXTENT_ENTRY_SIZE;
      const nextFirst = index < count ? firstOf(bytes, offset + EXTENT_ENTRY_SIZE) : place.end;
      const entry = depth === 0 ? leafEntry(bytes, offset) : indexEntry(bytes, offset, nextFirst);
      if (entry.first < least || entry.end <= entry.first || entry.end > place.end) {
        const state = `blocks ${entry.first} to ${entry.end} of ${least} to ${place.end}`;
        throw this.#corrupt(`entry ${index - 1} overlaps or is out of order: ${state}`, place.offset + offset);
      }
      this.#volume.checkBlocks(entry.physical, depth === 0 ? entry.end - entry.first : 1);
      least = entry.end;
      entries.push(entry);
    }
    return { depth, entries, end: place.end };
  }

  #parseHeader(bytes: Uint8Array, place: NodePlace): { count: number; depth: number } {
    const header = readFields(bytes, EXTENT_HEADER, { format: 'ext4', offset: place.offset });
    const { eh_magic: magic, eh_entries: count, eh_max: most, eh_depth: depth } = header;
    const room = Math.floor(bytes.length / EXTENT_ENTRY_SIZE) - 1;
    if (magic !== EXTENT_MAGIC) throw this.#corrupt(`eh_magic is ${hex(magic)}, expected 0xf30a`, place.offset);
    if (count > most || most > room) {
      throw this.#corrupt(`${count} entries of ${most}, there is room for ${room}`, place.offset);
    }
    if (depth > EXTENT_MAX_DEPTH || depth !== (place.depth ?? depth)) {
      const expected = place.depth ?? `at most ${EXTENT_MAX_DEPTH}`;
      throw this.#corrupt(`eh_depth is ${depth}, expected ${expected}`, place.offset);
    }
    if (depth > 0 && count === 0) throw this.#corrupt('index without entries', place.offset);
    return { count, depth };
  }

  /** Blocks end in a checksum behind their last possible entry; the root is covered by that of the inode. */
  #checkChecksum(bytes: Uint8Array, offset: number): void {
    const seed = this.#inode.checksumSeed;
    if (seed === undefined) return;
    const tail = (readFields(bytes, EXTENT_HEADER).eh_max + 1) * EXTENT_ENTRY_SIZE;
    const stored = readFields(bytes, { et_checksum: [tail, 'u32'] }, { format: 'ext4', offset }).et_checksum;
    const computed = crc32c(seed, bytes.subarray(0, tail));
    if (stored !== computed) {
      throw this.#corrupt(`checksum is ${hex(stored)}, computed ${hex(computed)}`, offset + tail);
    }
  }

  #corrupt(state: string, offset: number) {
    return corrupt(`Cannot read extents of inode ${this.#inode.number}: ${state}`, offset);
  }
}

export function leafEntry(bytes: Uint8Array, offset: number): ExtentEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, EXTENT_ENTRY_SIZE);
  const first = view.getUint32(0, true);
  const length = view.getUint16(4, true);
  const isUnwritten = length > EXTENT_MAX_LENGTH;
  const physical = view.getUint16(6, true) * 2 ** 32 + view.getUint32(8, true);
  return { first, end: first + (isUnwritten ? length - EXTENT_MAX_LENGTH : length), physical, isUnwritten };
}

function indexEntry(bytes: Uint8Array, offset: number, end: number): ExtentEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, EXTENT_ENTRY_SIZE);
  const physical = view.getUint16(8, true) * 2 ** 32 + view.getUint32(4, true);
  return { first: view.getUint32(0, true), end, physical, isUnwritten: false };
}

function firstOf(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, true);
}

/** What an entry of a leaf says from one of its blocks on. */
export function runWithin({ first, end, physical, isUnwritten }: ExtentEntry, block: number): BlockRun {
  const count = end - block;
  return isUnwritten ? { physical: undefined, count, isUnwritten } : { physical: physical + (block - first), count };
}
