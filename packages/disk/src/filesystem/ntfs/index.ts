import type { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { isPowerOfTwo } from './boot-sector.ts';
import { ClusterContent } from './cluster-content.ts';
import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import type { FileReference } from './file-record.ts';
import { undoFixUps } from './fix-up.ts';
import {
  ATTRIBUTE_TYPE,
  INDEX_BLOCK,
  INDEX_BLOCK_SIZE,
  INDEX_ENTRY,
  INDEX_ENTRY_FLAG,
  INDEX_ENTRY_SIZE,
  INDEX_HEADER,
  INDEX_HEADER_SIZE,
  INDEX_ROOT,
  INDEX_ROOT_SIZE,
  MAX_RECORD_BYTES,
  MIN_RECORD_BYTES,
  SMALL_VCN_BYTES,
} from './layout.ts';

/** An entry of an index: of a name in a folder, or of something else that is looked up by a key. */
export interface IndexEntry {
  readonly key: Uint8Array;
  /** The whole entry, with what stands before the key. */
  readonly bytes: Uint8Array;
  /** The file that a folder's entry names. */
  readonly reference: FileReference;
  /** Where on the volume it is. */
  readonly offset: number;
}

/** How a wanted key stands to that of an entry: below zero before it, above zero behind it. */
export type Comparison = (key: Uint8Array) => number;

interface Slot {
  readonly entry: IndexEntry;
  /** The block with what comes before the entry. */
  readonly subnode: number | undefined;
  /** It has no key: it closes its node. */
  readonly isEnd: boolean;
}

/** Deeper trees hold more entries than there are files. */
const MAX_DEPTH = 20;
const MAX_ROOT_BYTES = MAX_RECORD_BYTES;

/** How far down a tree one is, and which blocks were met. */
class Path {
  readonly depth: number;
  readonly seen: Set<number>;

  constructor(depth = 0, seen = new Set<number>()) {
    this.depth = depth;
    this.seen = seen;
  }

  get below(): Path {
    return new Path(this.depth + 1, this.seen);
  }
}

/** A B+ tree of a file, its root in the file's record and its blocks in clusters. */
export class Index {
  readonly #file: NtfsFile;
  readonly #name: string;
  readonly #root: Uint8Array;
  readonly #blockBytes: number;
  readonly #vcnBytes: number;
  readonly #blocks: ByteSource | undefined;

  /** @throws DiskError `corrupt` when the file has no such index */
  constructor(file: NtfsFile, name: string, clusterBytes: number) {
    this.#file = file;
    this.#name = name;
    this.#root = this.#readRoot();
    this.#blockBytes = this.#readBlockSize();
    this.#vcnBytes = this.#blockBytes >= clusterBytes ? clusterBytes : SMALL_VCN_BYTES;
    this.#blocks = file.metadata(ATTRIBUTE_TYPE.INDEX_ALLOCATION, name);
  }

  /** All entries in order. */
  entries(): Generator<IndexEntry> {
    return this.#entriesOf(this.#rootSlots(), new Path());
  }

  /** The entries whose keys are equal to the one wanted, in order. */
  find(compare: Comparison): Generator<IndexEntry> {
    return this.#findIn(this.#rootSlots(), compare, new Path());
  }

  *#entriesOf(slots: Iterable<Slot>, path: Path): Generator<IndexEntry> {
    for (const { entry, subnode, isEnd } of slots) {
      if (subnode !== undefined) yield* this.#entriesOf(this.#enter(subnode, path, entry), path.below);
      if (!isEnd) yield entry;
    }
  }

  *#findIn(slots: Iterable<Slot>, compare: Comparison, path: Path): Generator<IndexEntry> {
    for (const { entry, subnode, isEnd } of slots) {
      const order = isEnd ? -1 : compare(entry.key);
      if (order > 0) continue;
      if (subnode !== undefined) yield* this.#findIn(this.#enter(subnode, path, entry), compare, path.below);
      if (order < 0) return;
      yield entry;
    }
  }

  /** The slots of a block. A block that comes twice would make a loop, or as good as one. */
  #enter(block: number, { depth, seen }: Path, { offset }: IndexEntry): Generator<Slot> {
    if (seen.has(block)) throw this.#corrupt(`block ${block} is in it twice`, offset);
    if (depth === MAX_DEPTH) throw this.#corrupt(`it is more than ${MAX_DEPTH} levels deep`, offset);
    seen.add(block);
    return this.#blockSlots(block);
  }

  #rootSlots(): Generator<Slot> {
    return this.#slots(this.#root, INDEX_ROOT_SIZE, this.#rootOffset);
  }

  #blockSlots(vcn: number): Generator<Slot> {
    const { bytes, offset } = this.#block(vcn);
    return this.#slots(bytes, INDEX_BLOCK_SIZE, offset);
  }

  #block(vcn: number): { readonly bytes: Uint8Array; readonly offset: number } {
    const at = vcn * this.#vcnBytes;
    if (this.#blocks === undefined || at + this.#blockBytes > this.#blocks.sizeBytes) {
      throw this.#corrupt(`it has no block ${vcn}`, this.#rootOffset);
    }
    const offset = this.#blocks instanceof ClusterContent ? this.#blocks.placeOf(at) : this.#rootOffset;
    const bytes = undoFixUps(this.#blocks.read(at, this.#blockBytes), 'INDX', offset);
    const stored = readFields(bytes, INDEX_BLOCK, { format: 'ntfs', offset }).index_block_vcn;
    if (stored !== vcn) throw this.#corrupt(`a block says it is ${stored}, expected ${vcn}`, offset);
    return { bytes, offset };
  }

  /** The entries of a node, whose header is at `header` of it. */
  *#slots(node: Uint8Array, header: number, offset: number): Generator<Slot> {
    const { entries_offset, index_length } = readFields(node.subarray(header), INDEX_HEADER, {
      format: 'ntfs',
      offset,
    });
    const end = header + index_length;
    if (entries_offset < INDEX_HEADER_SIZE || end > node.length) {
      throw this.#corrupt(
        `entries from ${hex(entries_offset)} to ${hex(index_length)} of ${node.length - header} bytes`,
        offset,
      );
    }
    for (let at = header + entries_offset; ; ) {
      const slot = this.#slot(node.subarray(at, end), offset + at);
      yield slot;
      if (slot.isEnd) return;
      at += slot.entry.bytes.length;
    }
  }

  #slot(rest: Uint8Array, offset: number): Slot {
    const fields = readFields(rest, INDEX_ENTRY, { format: 'ntfs', offset });
    const { length, key_length: keyBytes } = fields;
    const hasSubnode = (fields.flags & INDEX_ENTRY_FLAG.HAS_SUBNODE) !== 0;
    const least = INDEX_ENTRY_SIZE + (hasSubnode ? 8 : 0);
    const isEnd = (fields.flags & INDEX_ENTRY_FLAG.END) !== 0;
    if (length > rest.length || length < least + (isEnd ? 0 : keyBytes)) {
      throw this.#corrupt(`an entry of ${length} bytes with a key of ${keyBytes}`, offset);
    }
    const bytes = rest.subarray(0, length);
    const key = bytes.subarray(INDEX_ENTRY_SIZE, INDEX_ENTRY_SIZE + (isEnd ? 0 : keyBytes));
    return {
      entry: { key, bytes, reference: referenceOf(fields), offset },
      subnode: hasSubnode ? subnodeOf(bytes, offset) : undefined,
      isEnd,
    };
  }

  get #rootOffset(): number {
    return this.#file.find(ATTRIBUTE_TYPE.INDEX_ROOT, this.#name)?.offset ?? this.#file.record.offset;
  }

  #readRoot(): Uint8Array {
    const root = this.#file.value(ATTRIBUTE_TYPE.INDEX_ROOT, MAX_ROOT_BYTES, this.#name);
    if (root === undefined) throw this.#corrupt('it has no root', this.#file.record.offset);
    return root;
  }

  #readBlockSize(): number {
    const offset = this.#rootOffset;
    const { index_block_size: size } = readFields(this.#root, INDEX_ROOT, { format: 'ntfs', offset });
    if (isPowerOfTwo(size) && size >= MIN_RECORD_BYTES && size <= MAX_RECORD_BYTES) return size;
    throw this.#corrupt(`blocks of ${size} bytes`, offset);
  }

  #corrupt(state: string, offset: number): DiskError {
    return corrupt(`Cannot read index "${this.#name}" of file record ${this.#file.record.number}: ${state}`, offset);
  }
}

function referenceOf(fields: Fields<typeof INDEX_ENTRY>): FileReference {
  return { number: fields.mft_reference + fields.mft_reference_high * 2 ** 32, sequence: fields.mft_sequence };
}

/** The last eight bytes of an entry. */
function subnodeOf(bytes: Uint8Array, offset: number): number {
  return readFields(bytes.subarray(-8), { vcn: [0, 'u64'] } as const, { format: 'ntfs', offset }).vcn;
}
