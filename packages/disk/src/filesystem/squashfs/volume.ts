import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { unpack } from './compression.ts';
import { corrupt } from './error.ts';
import { BLOCK_LENGTH, BLOCK_PLAIN, METADATA_PLAIN, METADATA_SIZE } from './layout.ts';
import { type MetadataPlace, readSuperblock, type Superblock } from './superblock.ts';

const KEPT_METADATA_BYTES = 4 * 2 ** 20;
const KEPT_DATA_BYTES = 8 * 2 ** 20;
const LENGTH_SIZE = 2;

interface MetadataBlock {
  readonly bytes: Uint8Array;
  /** Where the one behind it begins. */
  readonly next: number;
}

/** The blocks of a filesystem, unpacked. Those last used are kept. */
export class SquashfsVolume {
  readonly superblock: Superblock;
  readonly #source: ByteSource;
  readonly #metadata = new Lru<number, MetadataBlock>(KEPT_METADATA_BYTES, ({ bytes }) => bytes.length);
  readonly #data = new Lru<number, Uint8Array>(KEPT_DATA_BYTES, ({ length }) => length);

  constructor(source: ByteSource) {
    this.#source = source;
    this.superblock = readSuperblock(source);
  }

  /** @throws DiskError `corrupt` when it reaches past the end */
  read(offset: number, length: number): Uint8Array {
    if (offset + length <= this.#source.sizeBytes) return this.#source.read(offset, length);
    throw corrupt(`Cannot read ${length} bytes: the filesystem ends at ${this.#source.sizeBytes}`, offset);
  }

  /** Reads on from a place in a table, over as many blocks as it takes. */
  metadata(table: number, { block, offset }: MetadataPlace): MetadataReader {
    return new MetadataReader(this, table + block, offset);
  }

  metadataBlock(at: number): MetadataBlock {
    const known = this.#metadata.get(at);
    if (known !== undefined) return known;
    const header = this.read(at, LENGTH_SIZE);
    const word = (header[0] as number) | ((header[1] as number) << 8);
    const length = word & ~METADATA_PLAIN;
    if (length === 0 || length > METADATA_SIZE) {
      throw corrupt(`Cannot read metadata block: it has ${length} bytes, expected 1 to ${METADATA_SIZE}`, at);
    }
    const stored = this.read(at + LENGTH_SIZE, length);
    const isPlain = (word & METADATA_PLAIN) !== 0;
    const bytes = isPlain ? stored : unpack(this.superblock.compression, stored, METADATA_SIZE, at + LENGTH_SIZE);
    const found = { bytes, next: at + LENGTH_SIZE + length };
    this.#metadata.set(at, found);
    return found;
  }

  /** A block of files, at most as large as one may be. `size` is its length, with a flag of those that are not packed. */
  dataBlock(at: number, size: number): Uint8Array {
    const known = this.#data.get(at);
    if (known !== undefined) return known;
    const length = size & BLOCK_LENGTH;
    const { blockSize, compression } = this.superblock;
    if (length > blockSize)
      throw corrupt(`Cannot read block: it has ${length} bytes, expected at most ${blockSize}`, at);
    const stored = this.read(at, length);
    const bytes = (size & BLOCK_PLAIN) !== 0 ? stored : unpack(compression, stored, blockSize, at);
    this.#data.set(at, bytes);
    return bytes;
  }
}

/** Takes bytes of metadata blocks one after the other. */
export class MetadataReader {
  readonly #volume: SquashfsVolume;
  #block: MetadataBlock;
  #at: number;
  #offset: number;

  constructor(volume: SquashfsVolume, at: number, offset: number) {
    this.#volume = volume;
    this.#at = at;
    this.#block = volume.metadataBlock(at);
    this.#offset = offset;
    if (offset > this.#block.bytes.length) {
      throw corrupt(`Cannot read metadata at ${offset}: its block has ${this.#block.bytes.length} bytes`, at);
    }
  }

  /** Of the block that is read, for errors. */
  get at(): number {
    return this.#at;
  }

  /** Another reader that goes on where this one is. */
  fork(): MetadataReader {
    return new MetadataReader(this.#volume, this.#at, this.#offset);
  }

  take(length: number): Uint8Array {
    const { bytes } = this.#block;
    if (this.#offset + length <= bytes.length) {
      this.#offset += length;
      return bytes.subarray(this.#offset - length, this.#offset);
    }
    return this.#takeAcross(length);
  }

  #takeAcross(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      if (this.#offset === this.#block.bytes.length) this.#advance();
      const piece = this.#block.bytes.subarray(this.#offset, this.#offset + length - done);
      taken.set(piece, done);
      done += piece.length;
      this.#offset += piece.length;
    }
    return taken;
  }

  #advance(): void {
    this.#at = this.#block.next;
    this.#block = this.#volume.metadataBlock(this.#at);
    this.#offset = 0;
  }
}
