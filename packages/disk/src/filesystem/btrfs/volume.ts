import { asFact } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { lazy } from '../../lazy.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { AddressSpace } from './address-space.ts';
import { BlockCache } from './block-cache.ts';
import { type Chunk, parseChunk } from './chunk.ts';
import { Devices, describeMissing } from './devices.ts';
import { corrupt } from './error.ts';
import { has } from './features.ts';
import { key, LAST_OFFSET, readKey } from './key.ts';
import {
  CHUNK,
  CHUNK_SIZE,
  CHUNKS,
  DEVICE_ITEM,
  DEVICE_ITEMS,
  GROUP,
  ITEM,
  KEY_SIZE,
  ROOT,
  ROOT_SIZE,
  S_SYS_CHUNK_ARRAY,
  STRIPE_SIZE,
  TREE,
  TREE_LOG,
} from './layout.ts';
import type { Superblock } from './superblock.ts';
import { type ItemTree, StoredTree } from './tree.ts';
import type { Item, TreePointer } from './tree-block.ts';

const replay = lazy<typeof import('./log/replay.ts')>(import.meta, './log/replay.ts');

const UNPACKED_BYTES = 4 * 1024 * 1024;

/** The trees of one filesystem, over all of its devices. */
export class BtrfsVolume {
  readonly superblock: Superblock;
  readonly devices: Devices;
  readonly addresses: AddressSpace;
  readonly blocks: BlockCache;
  readonly roots: ItemTree;
  /** Of the content of files; absent where the filesystem keeps none. */
  readonly checksums: ItemTree | undefined;
  /** Compressed extents that were read last, by their address. */
  readonly unpacked = new Lru<number, Uint8Array>(UNPACKED_BYTES, ({ length }) => length);
  /** Subvolumes of which something was fsynced after the last commit. */
  readonly #replayed: ReadonlyMap<number, ItemTree>;
  #warnings: readonly string[];

  constructor(source: ByteSource, others: readonly ByteSource[]) {
    this.devices = new Devices(source, others);
    this.superblock = this.devices.superblock;
    const system = new AddressSpace(systemChunks(this.superblock), this.devices);
    const chunkTree = new StoredTree(new BlockCache(this.superblock, system), this.superblock.chunkRoot);
    this.addresses = new AddressSpace(readChunks(chunkTree, this.superblock), this.devices);
    this.#warnings = [...this.superblock.warnings, ...this.#checkDevices(chunkTree)];
    this.blocks = new BlockCache(this.superblock, this.addresses);
    this.roots = new StoredTree(this.blocks, this.superblock.root);
    this.#replayed = this.#replayLogs();
    this.checksums = this.rootItem(TREE.CSUM) === undefined ? undefined : this.tree(TREE.CSUM);
  }

  /** The tree of a subvolume, with what was fsynced and not committed. */
  fileTree(id: number): ItemTree {
    return this.#replayed.get(id) ?? this.tree(id);
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The newest root item of a tree. */
  rootItem(id: number): Item | undefined {
    const item = this.roots.lastNotAfter(key(id, ITEM.ROOT, LAST_OFFSET));
    return item?.key.objectId === id && item.key.type === ITEM.ROOT ? item : undefined;
  }

  /** @throws DiskError `corrupt` when there is no such tree */
  tree(id: number): ItemTree {
    const item = this.rootItem(id);
    if (item === undefined) throw corrupt(`Cannot read tree ${id}: there is none`, this.superblock.root.address);
    return new StoredTree(this.blocks, pointerOf(item));
  }

  #replayLogs(): ReadonlyMap<number, ItemTree> {
    const { logRoot, sectorSize, hasImplicitHoles } = this.superblock;
    if (logRoot === undefined) return new Map();
    try {
      const logs = new StoredTree(this.blocks, logRoot).scan(
        key(TREE_LOG, ITEM.ROOT, 0),
        key(TREE_LOG, ITEM.ROOT, LAST_OFFSET),
      );
      return new Map(
        [...logs].map((item) => {
          const id = item.key.offset;
          const log = new StoredTree(this.blocks, pointerOf(item));
          return [id, replay().replayLog({ files: this.tree(id), log, sectorSize, hasImplicitHoles })];
        }),
      );
    } catch (error) {
      this.#warnings = [
        ...this.#warnings,
        `log tree not replayed, the newest changes are missing: ${asFact(error).message}`,
      ];
      return new Map();
    }
  }

  /** @throws DiskError when metadata is lost with a device; lost data is only told of */
  #checkDevices(chunkTree: ItemTree): readonly string[] {
    const losses = this.addresses.chunks.flatMap((chunk) => {
      const error = this.devices.lossOf(chunk);
      return error === undefined ? [] : [{ error, isData: !has(chunk.type, GROUP.METADATA | GROUP.SYSTEM) }];
    });
    const fatal = losses.find(({ isData }) => !isData);
    if (fatal !== undefined) throw fatal.error;
    const missing = deviceIds(chunkTree).filter((id) => this.devices.source(id) === undefined);
    if (missing.length === 0) return [];
    const consequence = losses.length > 0 ? 'some content cannot be read' : 'everything was read from the others';
    return [`${describeMissing(missing, this.superblock.deviceCount)}: ${consequence}`];
  }
}

export function pointerOf({ bytes, offset }: Item): TreePointer {
  if (bytes.length < ROOT_SIZE) throw corrupt(`Cannot read root item: it has ${bytes.length} bytes`, offset);
  const { bytenr, level, generation } = readFields(bytes, ROOT, { format: 'btrfs', offset });
  return { address: bytenr, level, generation };
}

function readChunks(chunkTree: ItemTree, { sectorSize }: Superblock): Chunk[] {
  const items = chunkTree.scan(key(CHUNKS, ITEM.CHUNK, 0), key(CHUNKS, ITEM.CHUNK, LAST_OFFSET));
  return [...items].map((item) => parseChunk(item.bytes, item.key.offset, { offset: item.offset, sectorSize }));
}

function deviceIds(chunkTree: ItemTree): number[] {
  const items = chunkTree.scan(key(DEVICE_ITEMS, ITEM.DEVICE, 0), key(DEVICE_ITEMS, ITEM.DEVICE, LAST_OFFSET));
  return [...items].map(({ bytes, offset }) => readFields(bytes, DEVICE_ITEM, { format: 'btrfs', offset }).devid);
}

/** Keys and chunk items, one behind the other. */
function systemChunks({ systemChunks: bytes, sectorSize }: Superblock): Chunk[] {
  const chunks: Chunk[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const offset = S_SYS_CHUNK_ARRAY + at;
    const place = { format: 'btrfs', offset: offset + KEY_SIZE };
    const { num_stripes: stripes } = readFields(bytes.subarray(at + KEY_SIZE), CHUNK, place);
    const end = at + KEY_SIZE + CHUNK_SIZE + stripes * STRIPE_SIZE;
    const { type, offset: start } = readKey(view, at);
    if (type !== ITEM.CHUNK) throw corrupt(`Cannot read superblock: an item of type ${type} among its chunks`, offset);
    chunks.push(parseChunk(bytes.subarray(at + KEY_SIZE, end), start, { offset: offset + KEY_SIZE, sectorSize }));
    at = end;
  }
  return chunks;
}
