import { crc32c } from '../../crc32c.ts';
import { readFields } from '../../fields.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import { SECTOR_BYTES } from './layout.ts';

// Metadata of a thin pool: dm-thin-metadata.c and dm-btree of the kernel. Blocks of 4 KiB, little-endian.

const BLOCK_BYTES = 4096;
const MAGIC = 27022010;
const SUPERBLOCK = {
  csum: [0, 'u32'],
  flags: [4, 'u32'],
  blocknr: [8, 'u64'],
  magic: [32, 'u64'],
  version: [40, 'u32'],
  data_mapping_root: [320, 'u64'],
  data_block_size: [336, 'u32'],
  metadata_block_size: [340, 'u32'],
  incompat_flags: [360, 'u32'],
} as const;
const NEEDS_CHECK = 1;
const NODE = {
  csum: [0, 'u32'],
  flags: [4, 'u32'],
  blocknr: [8, 'u64'],
  nr_entries: [16, 'u32'],
  max_entries: [20, 'u32'],
  value_size: [24, 'u32'],
} as const;
const NODE_HEADER_BYTES = 32;
const NODE_INTERNAL = 1;
/** What the checksums of superblock and nodes are mixed with, so that one is not taken for the other. */
const SUPERBLOCK_MIX = 160774;
const NODE_MIX = 121107;
const DEEPEST_TREE = 12;
/** Of a mapping: the block, above 24 bits that tell its age. */
const AGE_BITS = 24n;
const CACHE_NODES = 1024;

export interface ThinMapping {
  readonly blockBytes: number;
  /** Block of the pool's data behind a block of the device; where there is none, how many in a row have none. */
  find(block: number): { readonly block: number | undefined; readonly count: number };
}

/** Which blocks of a pool the devices in it have. */
export class ThinMetadata {
  readonly #source: ByteSource;
  readonly #nodes = new Lru<number, Node>(CACHE_NODES, () => 1);
  readonly #root: number;
  readonly #blockBytes: number;

  constructor(source: ByteSource) {
    this.#source = source;
    const bytes = source.read(0, BLOCK_BYTES);
    const fields = readFields(bytes, SUPERBLOCK, { format: 'lvm2', offset: 0 });
    if (fields.magic !== MAGIC) throw corrupt('thin pool', 'its metadata has no superblock', 32);
    checkChecksum(bytes, SUPERBLOCK_MIX, 0);
    if (fields.version < 1 || fields.version > 2 || fields.incompat_flags !== 0) {
      throw unsupported('thin pool', `its metadata is of version ${fields.version}, with unknown features`);
    }
    if ((fields.flags & NEEDS_CHECK) !== 0) throw unsupported('thin pool', 'its metadata needs a check (thin_check)');
    if (fields.metadata_block_size * SECTOR_BYTES !== BLOCK_BYTES || fields.data_block_size === 0) {
      throw corrupt('thin pool', `blocks have ${fields.data_block_size} sectors`, 336);
    }
    this.#root = fields.data_mapping_root;
    this.#blockBytes = fields.data_block_size * SECTOR_BYTES;
  }

  /** @throws DiskError `corrupt` for a device that the pool does not have */
  deviceOf(id: number): ThinMapping {
    const root = this.#lookUp(this.#root, id);
    if (root.value === undefined) throw corrupt('thin pool', `it has no device ${id}`);
    const device = Number(root.value);
    return {
      blockBytes: this.#blockBytes,
      find: (block) => {
        const { value, count } = this.#lookUp(device, block);
        return { block: value === undefined ? undefined : Number(value >> AGE_BITS), count };
      },
    };
  }

  /** The value of a key; where it has none, how many keys from it on have none, as far as one leaf tells. */
  #lookUp(root: number, key: number): { readonly value: bigint | undefined; readonly count: number } {
    let at = root;
    let next = Number.MAX_SAFE_INTEGER;
    for (let depth = 0; depth < DEEPEST_TREE; depth++) {
      const node = this.#node(at);
      const index = node.indexOf(key);
      next = Math.min(next, node.keyAt(index + 1));
      if (!node.isInternal) {
        if (index >= 0 && node.keyAt(index) === key) return { value: node.valueAt(index), count: 1 };
        return { value: undefined, count: Math.max(1, next - key) };
      }
      // a key before the first is under no child
      if (index < 0) return { value: undefined, count: Math.max(1, next - key) };
      at = Number(node.valueAt(index));
    }
    throw corrupt('thin pool', `a tree of its metadata is deeper than ${DEEPEST_TREE}`, at * BLOCK_BYTES);
  }

  #node(block: number): Node {
    const known = this.#nodes.get(block);
    if (known !== undefined) return known;
    const node = readNode(this.#source, block);
    this.#nodes.set(block, node);
    return node;
  }
}

class Node {
  readonly isInternal: boolean;
  readonly #view: DataView;
  readonly #entries: number;
  readonly #valuesAt: number;

  constructor(bytes: Uint8Array, { flags, nr_entries, max_entries }: NodeFields) {
    this.isInternal = (flags & NODE_INTERNAL) !== 0;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#entries = nr_entries;
    this.#valuesAt = NODE_HEADER_BYTES + 8 * max_entries;
  }

  /** The last entry whose key is not above; -1 when all are. */
  indexOf(key: number): number {
    let low = 0;
    let high = this.#entries;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keyAt(middle) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Above all keys past the last entry. */
  keyAt(index: number): number {
    if (index < 0 || index >= this.#entries) return Number.MAX_SAFE_INTEGER;
    return Number(this.#view.getBigUint64(NODE_HEADER_BYTES + 8 * index, true));
  }

  valueAt(index: number): bigint {
    return this.#view.getBigUint64(this.#valuesAt + 8 * index, true);
  }
}

interface NodeFields {
  readonly flags: number;
  readonly nr_entries: number;
  readonly max_entries: number;
}

function readNode(source: ByteSource, block: number): Node {
  const offset = block * BLOCK_BYTES;
  if (!(offset + BLOCK_BYTES <= source.sizeBytes)) throw corrupt('thin pool', `node ${block} is past the end`, offset);
  const bytes = source.read(offset, BLOCK_BYTES);
  const fields = readFields(bytes, NODE, { format: 'lvm2', offset });
  checkChecksum(bytes, NODE_MIX, offset);
  const fits = NODE_HEADER_BYTES + (8 + fields.value_size) * fields.max_entries <= BLOCK_BYTES;
  if (fields.blocknr !== block || fields.value_size !== 8 || fields.nr_entries > fields.max_entries || !fits) {
    throw corrupt('thin pool', `node ${block} has ${fields.nr_entries} of ${fields.max_entries} entries`, offset);
  }
  return new Node(bytes, fields);
}

function checkChecksum(bytes: Uint8Array, mix: number, offset: number): void {
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if ((crc32c(0xffffffff, bytes.subarray(4)) ^ mix) >>> 0 === stored) return;
  throw corrupt('thin pool', 'the checksum of a block of its metadata is wrong', offset);
}
