import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { decompress } from './compression.ts';
import { DataSource } from './data-source.ts';
import { type FileExtent, parseExtent, type StoredExtent } from './file-extent.ts';
import type { Inode } from './inode.ts';
import { key, LAST_OFFSET } from './key.ts';
import { ITEM } from './layout.ts';
import type { ItemTree } from './tree.ts';
import type { BtrfsVolume } from './volume.ts';

/** The content of a file or link. */
export function openContent(volume: BtrfsVolume, tree: ItemTree, inode: Inode): MappedSource {
  const content = new FileContent(volume, tree, inode);
  return new PieceSource(inode.stat.sizeBytes, (offset) => content.pieceAt(offset));
}

class FileContent {
  readonly #volume: BtrfsVolume;
  readonly #tree: ItemTree;
  readonly #inode: Inode;
  readonly #data: DataSource;
  /** The extent found last: most reads go on where the one before ended. */
  #latest: FileExtent | undefined;

  constructor(volume: BtrfsVolume, tree: ItemTree, inode: Inode) {
    this.#volume = volume;
    this.#tree = tree;
    this.#inode = inode;
    this.#data = new DataSource(volume, { isChecked: inode.hasChecksums });
  }

  pieceAt(offset: number): Piece {
    const extent = this.#extentAt(offset);
    if (extent === undefined) return { kind: 'absent', length: this.#holeAt(offset) };
    const length = extent.end - offset;
    const { content } = extent;
    if (content.kind === 'absent' || content.kind === 'zero') return { kind: content.kind, length };
    const within = offset - extent.start;
    if (content.kind === 'inline') return computed(length, within, () => this.#unpackInline(extent));
    const { stored } = content;
    const inStored = content.within + within;
    if (stored.compression !== undefined) return computed(length, inStored, () => this.#unpack(stored));
    return { kind: 'stored', length, source: this.#data, offset: stored.address + inStored };
  }

  /** The extent over an offset. */
  #extentAt(offset: number): FileExtent | undefined {
    if (!covers(this.#latest, offset)) {
      const item = this.#tree.lastNotAfter(this.#key(offset));
      const isOurs = item?.key.objectId === this.#inode.stat.inode && item.key.type === ITEM.EXTENT_DATA;
      this.#latest = isOurs ? parseExtent(item) : undefined;
    }
    return covers(this.#latest, offset) ? this.#latest : undefined;
  }

  /** How far it is to the next extent, or to the end. */
  #holeAt(offset: number): number {
    for (const { key: next } of this.#tree.scan(this.#key(offset), this.#key(LAST_OFFSET))) {
      if (next.offset > offset) return next.offset - offset;
    }
    return this.#inode.stat.sizeBytes - offset;
  }

  #key(offset: number) {
    return key(this.#inode.stat.inode, ITEM.EXTENT_DATA, offset);
  }

  #unpackInline({ content, start, end, offset }: FileExtent): Uint8Array {
    if (content.kind !== 'inline') throw new TypeError(`Cannot unpack extent: it is ${content.kind}, expected inline`);
    const { bytes, compression } = content;
    if (compression === undefined) return bytes;
    const { sectorSize } = this.#volume.superblock;
    return decompress({ bytes, compression, plainLength: end - start, sectorSize, offset });
  }

  #unpack(stored: StoredExtent): Uint8Array {
    const { unpacked, superblock } = this.#volume;
    const { address, length, plainLength, compression } = stored;
    const known = unpacked.get(address);
    if (known !== undefined && known.length === plainLength) return known;
    if (compression === undefined) throw new TypeError('Cannot unpack extent: it is not compressed');
    const bytes = this.#data.read(address, length);
    const { sectorSize } = superblock;
    const plain = decompress({ bytes, compression, plainLength, sectorSize, offset: address });
    unpacked.set(address, plain);
    return plain;
  }
}

function covers(extent: FileExtent | undefined, offset: number): extent is FileExtent {
  return extent !== undefined && offset >= extent.start && offset < extent.end;
}

function computed(length: number, within: number, unpack: () => Uint8Array): Piece {
  return { kind: 'computed', length, compute: (count) => unpack().subarray(within, within + count) };
}
