import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { matches } from './checksum.ts';
import { corrupt } from './error.ts';
import { compareKeys, compareStoredKey, describeKey, isBefore, type Key, readKey } from './key.ts';
import {
  BLOCK_FSID,
  BLOCK_HEADER,
  BLOCK_HEADER_SIZE,
  CHECKSUM_AREA,
  ITEM_SIZE,
  KEY_SIZE,
  POINTER_SIZE,
} from './layout.ts';
import type { Superblock } from './superblock.ts';

/** Where a tree block is, and what it must be: so no tree can loop or grow deep, and a block that was left behind is noticed. */
export interface TreePointer {
  /** In the address space of the filesystem. */
  readonly address: number;
  readonly level: number;
  readonly generation: number;
  /** The key it must start with; any for a root. */
  readonly firstKey?: Key;
}

/** A key and what belongs to it. */
export interface Item {
  readonly key: Key;
  readonly bytes: Uint8Array;
  /** The address of the bytes, for errors. */
  readonly offset: number;
}

/** A block of a tree, its items checked to be in order and within it. */
export class TreeBlock {
  readonly address: number;
  readonly level: number;
  readonly generation: number;
  readonly count: number;
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #entrySize: number;

  constructor(bytes: Uint8Array, address: number) {
    const header = readFields(bytes, BLOCK_HEADER, { format: 'btrfs', offset: address });
    this.address = address;
    this.level = header.level;
    this.generation = header.generation;
    this.count = header.nritems;
    this.sizeBytes = bytes.length;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#entrySize = header.level === 0 ? ITEM_SIZE : POINTER_SIZE;
    this.#checkEntries();
  }

  keyAt(index: number): Key {
    return readKey(this.#view, this.#entryAt(index));
  }

  itemAt(index: number): Item {
    const entry = this.#entryAt(index);
    const start = BLOCK_HEADER_SIZE + this.#view.getUint32(entry + KEY_SIZE, true);
    const size = this.#view.getUint32(entry + KEY_SIZE + 4, true);
    return {
      key: readKey(this.#view, entry),
      bytes: this.#bytes.subarray(start, start + size),
      offset: this.address + start,
    };
  }

  childAt(index: number): TreePointer {
    const entry = this.#entryAt(index);
    const fields = readFields(this.#bytes.subarray(entry), CHILD, { format: 'btrfs', offset: this.address + entry });
    const { blockptr: address, generation } = fields;
    return { address, generation, level: this.level - 1, firstKey: readKey(this.#view, entry) };
  }

  /** The last entry with this key or one before it; -1 when there is none. */
  lastNotAfter(key: Key): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareStoredKey(this.#view, this.#entryAt(middle), key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #entryAt(index: number): number {
    return BLOCK_HEADER_SIZE + index * this.#entrySize;
  }

  #checkEntries(): void {
    const room = Math.floor((this.sizeBytes - BLOCK_HEADER_SIZE) / this.#entrySize);
    if (this.count > room) {
      throw this.#corrupt(`it has ${this.count} items, there is room for ${room}`, BLOCK_HEADER.nritems[0]);
    }
    if (this.level > 0 && this.count === 0) throw this.#corrupt('nothing is below it', BLOCK_HEADER.nritems[0]);
    for (let index = 0; index < this.count; index++) {
      const entry = this.#entryAt(index);
      if (index > 0 && !isBefore(this.#view, entry - this.#entrySize, entry)) {
        throw this.#corrupt(`key ${describeKey(this.keyAt(index))} is out of order`, entry);
      }
      if (this.level === 0) this.#checkItem(entry);
    }
  }

  #checkItem(entry: number): void {
    const start = BLOCK_HEADER_SIZE + this.#view.getUint32(entry + KEY_SIZE, true);
    const end = start + this.#view.getUint32(entry + KEY_SIZE + 4, true);
    if (start >= BLOCK_HEADER_SIZE + this.count * ITEM_SIZE && end <= this.sizeBytes) return;
    throw this.#corrupt(`an item lies at ${hex(start)} to ${hex(end)} of it`, entry + KEY_SIZE);
  }

  #corrupt(state: string, within: number) {
    return corrupt(`Cannot read tree block at ${hex(this.address)}: ${state}`, this.address + within);
  }
}

const CHILD = { blockptr: [KEY_SIZE, 'u64'], generation: [KEY_SIZE + 8, 'u64'] } as const;

/** @throws DiskError unless it is the block that was meant */
export function checkBlock(superblock: Superblock, bytes: Uint8Array, pointer: TreePointer): void {
  const { checksum, blockId } = superblock;
  const { address } = pointer;
  const bad = (state: string, within = 0) =>
    corrupt(`Cannot read tree block at ${hex(address)}: ${state}`, address + within);
  if (!matches(checksum, bytes.subarray(CHECKSUM_AREA), bytes)) throw bad(`its ${checksum.name} checksum is wrong`);
  const { bytenr } = readFields(bytes, BLOCK_HEADER, { format: 'btrfs', offset: address });
  if (bytenr !== address) throw bad(`bytenr is ${hex(bytenr)}`, BLOCK_HEADER.bytenr[0]);
  if (blockId.some((byte, index) => bytes[BLOCK_FSID + index] !== byte)) {
    throw bad('it belongs to another filesystem', BLOCK_FSID);
  }
}

/** Blocks are shared by snapshots, so each way to one is compared with it. */
export function checkMeant(block: TreeBlock, { level, generation, firstKey, address }: TreePointer): void {
  const bad = (state: string, within: number) =>
    corrupt(`Cannot read tree block at ${hex(address)}: ${state}`, address + within);
  if (block.level !== level) throw bad(`level is ${block.level}, expected ${level}`, BLOCK_HEADER.level[0]);
  if (block.generation !== generation) {
    throw bad(`generation is ${block.generation}, expected ${generation}`, BLOCK_HEADER.generation[0]);
  }
  if (firstKey === undefined) return;
  const isFirst = block.count > 0 && compareKeys(block.keyAt(0), firstKey) === 0;
  if (!isFirst) throw bad(`it does not start with key ${describeKey(firstKey)}`, BLOCK_HEADER_SIZE);
}
