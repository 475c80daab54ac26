import { readFields } from '../../fields.ts';
import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { corrupt } from './error.ts';
import type { FileBlocks, Inode } from './inode.ts';
import { BLOCK_LENGTH, FRAGMENT, FRAGMENT_SIZE } from './layout.ts';
import { tableEntry } from './table.ts';
import type { MetadataReader, SquashfsVolume } from './volume.ts';

const LENGTH_SIZE = 4;
const GROUP_SIZE = 2048;
/** A file of 8 TiB in blocks of the usual size. */
const MOST_BLOCKS = 2 ** 26;

/** The content of a file: blocks one behind the other, then perhaps a tail in a block that it shares with others. */
export function openContent(volume: SquashfsVolume, inode: Inode): MappedSource {
  const { file, stat, at, rest } = inode;
  if (file === undefined) throw new TypeError(`Cannot open inode ${stat.inode}: it is a ${stat.type}, expected a file`);
  const { sizeBytes } = stat;
  const { blockSize } = volume.superblock;
  const count = file.fragment === undefined ? Math.ceil(sizeBytes / blockSize) : Math.floor(sizeBytes / blockSize);
  if (count > MOST_BLOCKS) throw corrupt(`Cannot open inode ${stat.inode}: it has ${count} blocks`, at);
  const blocks = new BlockList({ rest, count, start: file.start });
  const content = new FileContent(volume, file, blocks, sizeBytes);
  return new PieceSource(sizeBytes, (offset) => content.pieceAt(offset));
}

interface BlockPlace {
  readonly at: number;
  readonly size: number;
}

interface Blocks {
  /** Stands before the lengths. */
  readonly rest: MetadataReader;
  readonly count: number;
  readonly start: number;
}

/** Lengths that are read at once, and where the first of their blocks is. */
interface Group {
  readonly lengths: MetadataReader;
  readonly start: number;
}

/**
 * Where each block of a file is. Each lies behind the one before, and only lengths are kept: groups of them are found one after
 * the other, and of these only the one last used is held.
 */
class BlockList {
  readonly count: number;
  readonly #groups: Group[];
  #places: readonly BlockPlace[] = [];
  #placesOf = -1;

  constructor({ rest, count, start }: Blocks) {
    this.count = count;
    this.#groups = [{ lengths: rest, start }];
  }

  place(index: number): BlockPlace {
    const group = Math.floor(index / GROUP_SIZE);
    while (this.#groups.length <= group) this.#read(this.#groups.length - 1);
    if (this.#placesOf !== group) this.#read(group);
    return this.#places[index % GROUP_SIZE] as BlockPlace;
  }

  /** Reads a group, and with that finds the next one. */
  #read(group: number): void {
    const { lengths, start } = this.#groups[group] as Group;
    const reader = lengths.fork();
    const count = Math.min(GROUP_SIZE, this.count - group * GROUP_SIZE);
    const bytes = reader.take(count * LENGTH_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = start;
    this.#places = Array.from({ length: count }, (_, index) => {
      const place = { at, size: view.getUint32(index * LENGTH_SIZE, true) };
      at += place.size & BLOCK_LENGTH;
      return place;
    });
    this.#placesOf = group;
    this.#groups[group + 1] = { lengths: reader, start: at };
  }
}

class FileContent {
  readonly #volume: SquashfsVolume;
  readonly #file: FileBlocks;
  readonly #blocks: BlockList;
  readonly #sizeBytes: number;

  constructor(volume: SquashfsVolume, file: FileBlocks, blocks: BlockList, sizeBytes: number) {
    this.#volume = volume;
    this.#file = file;
    this.#blocks = blocks;
    this.#sizeBytes = sizeBytes;
  }

  pieceAt(offset: number): Piece {
    const { blockSize } = this.#volume.superblock;
    const index = Math.floor(offset / blockSize);
    const within = offset % blockSize;
    const length = Math.min(blockSize - within, this.#sizeBytes - offset);
    if (index >= this.#blocks.count) return this.#tail(within, length);
    const { at, size } = this.#blocks.place(index);
    if ((size & BLOCK_LENGTH) === 0) return { kind: 'absent', length };
    return { kind: 'computed', length, compute: (count) => part(this.#volume.dataBlock(at, size), within, count, at) };
  }

  #tail(within: number, length: number): Piece {
    const { fragment } = this.#file;
    if (fragment === undefined) throw new RangeError('Cannot find block: the file has no tail');
    const { index, offset } = fragment;
    return {
      kind: 'computed',
      length,
      compute: (count) => {
        const { at, size } = this.#fragment(index);
        return part(this.#volume.dataBlock(at, size), offset + within, count, at);
      },
    };
  }

  #fragment(index: number): BlockPlace {
    const { fragmentTable: start, fragmentCount: count } = this.#volume.superblock;
    if (start === undefined) throw corrupt(`Cannot read fragment ${index}: there is no table of fragments`, 0);
    const table = { what: 'fragment', start, count, entrySize: FRAGMENT_SIZE };
    const bytes = tableEntry(this.#volume, table, index);
    const fields = readFields(bytes, FRAGMENT, { format: 'squashfs', offset: start });
    return { at: fields.start_block, size: fields.size };
  }
}

function part(block: Uint8Array, within: number, count: number, at: number): Uint8Array {
  if (within + count <= block.length) return block.subarray(within, within + count);
  throw corrupt(`Cannot read block: it holds ${block.length} bytes, expected ${within + count}`, at);
}
