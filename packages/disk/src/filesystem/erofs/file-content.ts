import { readFields } from '../../fields.ts';
import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { openCompressed } from './compressed-content.ts';
import { corrupt, unsupported } from './error.ts';
import type { Inode } from './inode.ts';
import {
  BLOCK_ADDRESS_SIZE,
  CHUNK_BITS,
  CHUNK_INDEX,
  CHUNK_INDEX_SIZE,
  CHUNK_INDEXES,
  CHUNK_KNOWN,
  type DATA_LAYOUTS,
  NO_BLOCK,
} from './layout.ts';
import type { ErofsVolume } from './volume.ts';

/** The content of a file, folder or link, by the layout of its inode. */
export function openContent(volume: ErofsVolume, inode: Inode): MappedSource {
  return OPENERS[inode.layout](volume, inode);
}

const OPENERS: Readonly<Record<(typeof DATA_LAYOUTS)[number], (volume: ErofsVolume, inode: Inode) => MappedSource>> = {
  plain: openPlain,
  inline: openInline,
  chunks: openChunks,
  full: openCompressed,
  compact: openCompressed,
};

/** Blocks one behind the other. */
function openPlain(volume: ErofsVolume, { word, stat, at }: Inode): MappedSource {
  const start = word * volume.superblock.blockSize;
  checkEnd(volume, start + stat.sizeBytes, at);
  return new PieceSource(stat.sizeBytes, (offset) => stored(volume, start + offset, stat.sizeBytes - offset));
}

/** The same, but the last block, which is not full, stands in the inode. */
function openInline(volume: ErofsVolume, { word, stat, at, tailAt }: Inode): MappedSource {
  const { blockSize } = volume.superblock;
  const { sizeBytes } = stat;
  const tailLength = sizeBytes % blockSize || Math.min(sizeBytes, blockSize);
  const blocksLength = sizeBytes - tailLength;
  const start = word * blockSize;
  if ((tailAt % blockSize) + tailLength > blockSize) {
    throw corrupt(`Cannot open inode ${stat.inode}: its tail of ${tailLength} bytes leaves its block`, at);
  }
  if (blocksLength > 0) checkEnd(volume, start + blocksLength, at);
  checkEnd(volume, tailAt + tailLength, at);
  return new PieceSource(sizeBytes, (offset) =>
    offset < blocksLength
      ? stored(volume, start + offset, blocksLength - offset)
      : stored(volume, tailAt + offset - blocksLength, sizeBytes - offset),
  );
}

/** Pieces of equal size, wherever they are: found by a table of addresses, or of larger entries that name a device too. */
function openChunks(volume: ErofsVolume, inode: Inode): MappedSource {
  const { word, stat, at, tailAt } = inode;
  if ((word & ~CHUNK_KNOWN) !== 0)
    throw unsupported(`Cannot open inode ${stat.inode}: its chunks are of form ${word}`, at);
  const chunkSize = 2 ** ((word & CHUNK_BITS) + volume.superblock.blockBits);
  const entrySize = (word & CHUNK_INDEXES) !== 0 ? CHUNK_INDEX_SIZE : BLOCK_ADDRESS_SIZE;
  const tableAt = Math.ceil(tailAt / entrySize) * entrySize;
  checkEnd(volume, tableAt + Math.ceil(stat.sizeBytes / chunkSize) * entrySize, at);
  return new PieceSource(stat.sizeBytes, (offset) => {
    const index = Math.floor(offset / chunkSize);
    const within = offset % chunkSize;
    const length = Math.min(chunkSize - within, stat.sizeBytes - offset);
    const block = chunkBlock(volume, tableAt + index * entrySize, entrySize);
    if (block === NO_BLOCK) return { kind: 'absent', length };
    return stored(volume, block * volume.superblock.blockSize + within, length);
  });
}

function chunkBlock(volume: ErofsVolume, at: number, entrySize: number): number {
  const bytes = volume.read(at, entrySize);
  if (entrySize === BLOCK_ADDRESS_SIZE) return readFields(bytes, { blkaddr: [0, 'u32'] }).blkaddr;
  const { device_id, blkaddr } = readFields(bytes, CHUNK_INDEX);
  if (device_id !== 0)
    throw unsupported(`Cannot read file: a chunk of it is on device ${device_id} beside the image`, at);
  return blkaddr;
}

function stored({ source }: ErofsVolume, offset: number, length: number): Piece {
  return { kind: 'stored', source, offset, length };
}

function checkEnd({ source }: ErofsVolume, end: number, at: number): void {
  if (end > source.sizeBytes)
    throw corrupt(`Cannot open file: it ends at ${end}, the filesystem at ${source.sizeBytes}`, at);
}
