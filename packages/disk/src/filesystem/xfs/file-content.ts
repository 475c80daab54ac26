import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import type { ExtentMap } from './extent-map.ts';
import type { XfsVolume } from './volume.ts';

/** The content of a file: what is mapped nowhere or was never written reads as zeros. */
export function fileContent(volume: XfsVolume, map: ExtentMap, sizeBytes: number): MappedSource {
  const { blockSize } = volume.superblock;
  return new PieceSource(sizeBytes, (position): Piece => {
    const within = position % blockSize;
    const { offset, count, isUnwritten } = map.runAt((position - within) / blockSize);
    const length = count * blockSize - within;
    if (offset === undefined) return { kind: isUnwritten ? 'zero' : 'absent', length };
    return { kind: 'stored', length, source: volume.content, offset: offset + within };
  });
}
