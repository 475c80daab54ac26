import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import { lastNotAfter } from '../last-not-after.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { type ExtentEntry, extentEntry } from './extent.ts';
import type { Fork } from './inode.ts';
import {
  BMAP_CRC_MAGIC,
  BMAP_MAGIC,
  BTREE_BLOCK,
  BTREE_ROOT_HEADER_SIZE,
  EXTENT_SIZE,
  FORMAT,
  LONG_BTREE_CRC_HEADER_SIZE,
  LONG_BTREE_HEADER_SIZE,
  LONG_BTREE_SELF,
  MAX_BTREE_LEVELS,
} from './layout.ts';
import type { XfsVolume } from './volume.ts';

const KEPT_NODES = 64;
const POINTER_SIZE = 8;

/** Consecutive blocks of a file, and where they are stored; without `offset` they read as zeros. */
export interface BlockRun {
  /** Of the first block, in the filesystem. */
  readonly offset: number | undefined;
  readonly count: number;
  /** Allocated, but never written. */
  readonly isUnwritten: boolean;
}

/** At level 0 an entry is a run of blocks; above, it covers what is below the node in block `physical`. */
interface ExtentNode {
  readonly level: number;
  /** Ascending and apart, all within the range of the node. */
  readonly entries: readonly ExtentEntry[];
  /** Where the range of the node ends. */
  readonly end: number;
}

/** The bytes of entries, and what they must be from what led to them: so no tree can loop, overlap or grow deep. */
interface NodePlace {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly level: number;
  readonly count: number;
  /** Pointers lie behind all the keys there is room for. */
  readonly room: number;
  readonly first: number;
  readonly end: number;
}

/** What a fork of an inode maps: a list of extents, or a tree of them that is read as far as it is asked. */
export class ExtentMap {
  readonly #volume: XfsVolume;
  readonly #number: number;
  readonly #root: ExtentNode;
  readonly #nodes = new Lru<number, ExtentNode>(KEPT_NODES, () => 1);

  constructor(volume: XfsVolume, inode: number, fork: Fork) {
    this.#volume = volume;
    this.#number = inode;
    this.#root = this.#parse(this.#placeOfRoot(fork));
  }

  /** The run that begins at a block of the file, as far as one look tells: the next run may continue it. */
  runAt(block: number): BlockRun {
    let node = this.#root;
    for (;;) {
      const index = lastNotAfter(node.entries, block);
      const entry = node.entries[index];
      const next = node.entries[index + 1]?.first ?? node.end;
      if (entry === undefined || block >= entry.end) {
        return { offset: undefined, count: next - block, isUnwritten: false };
      }
      if (node.level === 0) return this.#runWithin(entry, block);
      node = this.#child(node, entry);
    }
  }

  #runWithin({ first, end, physical, isUnwritten }: ExtentEntry, block: number): BlockRun {
    const offset = isUnwritten ? undefined : this.#volume.offsetOf(physical + (block - first));
    return { offset, count: end - block, isUnwritten };
  }

  #placeOfRoot({ format, extentCount, bytes, offset }: Fork): NodePlace {
    const range = { first: 0, end: Number.MAX_SAFE_INTEGER };
    if (format === FORMAT.EXTENTS) {
      return { bytes, offset, level: 0, count: extentCount, room: Math.floor(bytes.length / EXTENT_SIZE), ...range };
    }
    if (format !== FORMAT.BTREE) throw this.#corrupt(`format is ${format}, expected a list or a tree`, offset);
    const { level, count } = readFields(bytes, { level: [0, 'u16be'], count: [2, 'u16be'] }, { format: 'xfs', offset });
    if (level < 1 || level > MAX_BTREE_LEVELS) {
      throw this.#corrupt(`bb_level is ${level}, expected 1 to ${MAX_BTREE_LEVELS}`, offset);
    }
    const entries = bytes.subarray(BTREE_ROOT_HEADER_SIZE);
    const room = Math.floor(entries.length / EXTENT_SIZE);
    return { bytes: entries, offset: offset + BTREE_ROOT_HEADER_SIZE, level, count, room, ...range };
  }

  #child(parent: ExtentNode, { first, end, physical }: ExtentEntry): ExtentNode {
    const known = this.#nodes.get(physical);
    if (known !== undefined && known.end === end && known.level === parent.level - 1) return known;
    const node = this.#parse(this.#placeOfBlock(physical, parent.level - 1, first, end));
    this.#nodes.set(physical, node);
    return node;
  }

  #placeOfBlock(block: number, level: number, first: number, end: number): NodePlace {
    const { superblock } = this.#volume;
    const bytes = this.#volume.block(block);
    const offset = this.#volume.offsetOf(block);
    const header = readFields(bytes, BTREE_BLOCK, { format: 'xfs', offset });
    const isWhole = superblock.version === 5;
    if (header.bb_magic !== (isWhole ? BMAP_CRC_MAGIC : BMAP_MAGIC)) {
      throw this.#corrupt(`bb_magic is ${hex(header.bb_magic)}`, offset);
    }
    checkSelf(superblock, bytes, LONG_BTREE_SELF, { what: this.#what, offset, owner: this.#number });
    if (header.bb_level !== level) throw this.#corrupt(`bb_level is ${header.bb_level}, expected ${level}`, offset);
    const start = isWhole ? LONG_BTREE_CRC_HEADER_SIZE : LONG_BTREE_HEADER_SIZE;
    const room = Math.floor((bytes.length - start) / EXTENT_SIZE);
    return { bytes: bytes.subarray(start), offset: offset + start, level, count: header.bb_numrecs, room, first, end };
  }

  #parse(place: NodePlace): ExtentNode {
    const { level, count, room, offset, end } = place;
    if (count > room) throw this.#corrupt(`${count} entries, there is room for ${room}`, offset);
    if (level > 0 && count === 0) throw this.#corrupt('index without entries', offset);
    const read = level === 0 ? leafReader(place) : indexReader(place);
    const entries: ExtentEntry[] = [];
    let least = place.first;
    for (let index = 0; index < count; index++) {
      const entry = read(index);
      if (entry.first < least || entry.end <= entry.first || entry.end > end) {
        const state = `blocks ${entry.first} to ${entry.end} of ${least} to ${end}`;
        throw this.#corrupt(`entry ${index} overlaps or is out of order: ${state}`, offset);
      }
      this.#volume.checkBlocks(entry.physical, level === 0 ? entry.end - entry.first : 1);
      least = entry.end;
      entries.push(entry);
    }
    return { level, entries, end };
  }

  get #what(): string {
    return `extents of inode ${this.#number}`;
  }

  #corrupt(state: string, offset: number) {
    return corrupt(`Cannot read ${this.#what}: ${state}`, offset);
  }
}

type EntryReader = (index: number) => ExtentEntry;

function leafReader({ bytes }: NodePlace): EntryReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (index) => extentEntry(view, index * EXTENT_SIZE);
}

/** Keys, then pointers; an entry ends where the next begins. */
function indexReader({ bytes, count, room, end }: NodePlace): EntryReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = (at: number) => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  const keyOf = (index: number) => (index < count ? wide(index * POINTER_SIZE) : end);
  return (index) => {
    const physical = wide((room + index) * POINTER_SIZE);
    return { first: keyOf(index), end: keyOf(index + 1), physical, isUnwritten: false };
  };
}
