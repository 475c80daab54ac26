import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { ExtentMap } from './extent-map.ts';
import type { Fork } from './inode.ts';
import {
  ATTRIBUTE_LEAF_CRC_HEADER_SIZE,
  ATTRIBUTE_LEAF_CRC_MAGIC,
  ATTRIBUTE_LEAF_HEADER_SIZE,
  ATTRIBUTE_LEAF_MAGIC,
  ATTRIBUTE_NODE_CRC_HEADER_SIZE,
  ATTRIBUTE_NODE_CRC_MAGIC,
  ATTRIBUTE_NODE_HEADER_SIZE,
  ATTRIBUTE_NODE_MAGIC,
  ATTRIBUTE_REMOTE_MAGIC,
  DA_BLOCK,
  DA_CRC_HEADER_SIZE,
  DA_ENTRY_SIZE,
  DA_HEADER_SIZE,
  DA_SELF,
  REMOTE_HEADER,
  REMOTE_HEADER_SIZE,
  REMOTE_SELF,
} from './layout.ts';
import type { XfsVolume } from './volume.ts';

/** The largest value of an attribute that Linux hands out. */
const MAX_VALUE_BYTES = 65_536;
/** In the kernel too. */
const MAX_LEVELS = 5;

interface DaBlock {
  readonly magic: number;
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** The next block of the same level, 0 when it is the last. */
  readonly next: number;
  readonly count: number;
}

export interface AttributeLeaf extends DaBlock {
  readonly firstEntry: number;
}

/** The blocks of an inode's attributes: one leaf or a tree of them, and the values that are too large for a leaf. */
export class AttributeBlocks {
  readonly inode: number;
  readonly #volume: XfsVolume;
  readonly #map: ExtentMap;
  readonly #isWhole: boolean;

  constructor(volume: XfsVolume, inode: number, fork: Fork) {
    this.inode = inode;
    this.#volume = volume;
    this.#map = new ExtentMap(volume, inode, fork);
    this.#isWhole = volume.superblock.version === 5;
  }

  *leaves(): Generator<AttributeLeaf> {
    const seen = new Set<number>();
    for (let leaf: AttributeLeaf | undefined = this.#firstLeaf(); leaf !== undefined; ) {
      yield leaf;
      seen.add(leaf.offset);
      const next: AttributeLeaf | undefined = leaf.next === 0 ? undefined : this.#leafOf(this.#read(leaf.next));
      if (next !== undefined && seen.has(next.offset)) throw this.#corrupt('a leaf comes twice', next.offset);
      leaf = next;
    }
  }

  /** A value in blocks of its own. Since version 5 each of them has a header. */
  remoteValue(first: number, length: number): Uint8Array {
    if (length > MAX_VALUE_BYTES) throw this.#corrupt(`a value of ${length} bytes`, 0);
    const value = new Uint8Array(length);
    for (let block = first, done = 0; done < length; block++) {
      const piece = this.#remoteBlock(block).subarray(0, length - done);
      value.set(piece, done);
      done += piece.length;
    }
    return value;
  }

  #firstLeaf(): AttributeLeaf {
    const nodeMagic = this.#isWhole ? ATTRIBUTE_NODE_CRC_MAGIC : ATTRIBUTE_NODE_MAGIC;
    const header = this.#isWhole ? ATTRIBUTE_NODE_CRC_HEADER_SIZE : ATTRIBUTE_NODE_HEADER_SIZE;
    let block = this.#read(0);
    for (let level = 0; block.magic === nodeMagic; level++) {
      if (level === MAX_LEVELS) throw this.#corrupt(`more than ${MAX_LEVELS} levels`, block.offset);
      if (block.count === 0) throw this.#corrupt('index without entries', block.offset);
      block = this.#read(readFields(block.bytes, { before: [header + 4, 'u32be'] }).before);
    }
    return this.#leafOf(block);
  }

  #leafOf(block: DaBlock): AttributeLeaf {
    const magic = this.#isWhole ? ATTRIBUTE_LEAF_CRC_MAGIC : ATTRIBUTE_LEAF_MAGIC;
    if (block.magic !== magic) throw this.#corrupt(`magic is ${hex(block.magic)}`, block.offset);
    const firstEntry = this.#isWhole ? ATTRIBUTE_LEAF_CRC_HEADER_SIZE : ATTRIBUTE_LEAF_HEADER_SIZE;
    if (firstEntry + block.count * DA_ENTRY_SIZE <= block.bytes.length) return { ...block, firstEntry };
    throw this.#corrupt(`${block.count} entries do not fit`, block.offset);
  }

  #read(block: number): DaBlock {
    const { bytes, offset } = this.#block(block);
    const { magic, forw: next } = readFields(bytes, DA_BLOCK, { format: 'xfs', offset });
    checkSelf(this.#volume.superblock, bytes, DA_SELF, { what: this.#what, offset, owner: this.inode });
    const countAt = this.#isWhole ? DA_CRC_HEADER_SIZE : DA_HEADER_SIZE;
    const { count } = readFields(bytes, { count: [countAt, 'u16be'] });
    return { magic, bytes, offset, next, count };
  }

  #remoteBlock(block: number): Uint8Array {
    const { bytes, offset } = this.#block(block);
    if (!this.#isWhole) return bytes;
    const header = readFields(bytes, REMOTE_HEADER, { format: 'xfs', offset });
    if (header.magic !== ATTRIBUTE_REMOTE_MAGIC) throw this.#corrupt(`magic is ${hex(header.magic)}`, offset);
    checkSelf(this.#volume.superblock, bytes, REMOTE_SELF, { what: this.#what, offset, owner: this.inode });
    const end = REMOTE_HEADER_SIZE + header.bytes;
    if (header.bytes > 0 && end <= bytes.length) return bytes.subarray(REMOTE_HEADER_SIZE, end);
    throw this.#corrupt(`${header.bytes} bytes of a value in one block`, offset);
  }

  #block(block: number): { readonly bytes: Uint8Array; readonly offset: number } {
    const { offset } = this.#map.runAt(block);
    if (offset === undefined) throw this.#corrupt(`block ${block} is a hole`, 0);
    return { bytes: this.#volume.metadata(offset, this.#volume.superblock.blockSize), offset };
  }

  get #what(): string {
    return `attributes of inode ${this.inode}`;
  }

  #corrupt(state: string, offset: number) {
    return corrupt(`Cannot read ${this.#what}: ${state}`, offset);
  }
}
