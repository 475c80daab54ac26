import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { MappedSource } from '../../source/extent.ts';
import { PieceSource } from '../../source/piece-source.ts';

export interface MirroredStripes {
  /** In the order of the array; `undefined` for those that are missing. */
  readonly members: readonly (ByteSource | undefined)[];
  /** Copies side by side in a row, and copies far from each other. */
  readonly nearCopies: number;
  readonly farCopies: number;
  /** Far copies are a chunk further down instead of in another half. */
  readonly isOffset: boolean;
  readonly chunkBytes: number;
  readonly sizeBytes: number;
  /** From the start of one set of far copies to the next, on each member. */
  readonly farStrideBytes: number;
}

/** RAID 10: each chunk is on several members, of which any that is there is read (drivers/md/raid10.c, __raid10_find_phys). */
export function joinMirroredStripes(array: MirroredStripes): MappedSource {
  return new PieceSource(array.sizeBytes, (offset) => {
    const chunk = Math.floor(offset / array.chunkBytes);
    const within = offset - chunk * array.chunkBytes;
    for (const { source, start } of copiesOf(array, chunk)) {
      const length = array.chunkBytes - within;
      if (source !== undefined) return { kind: 'stored', source, offset: start + within, length };
    }
    throw new DiskError('unsupported', `Cannot read array: all members with chunk ${chunk} are missing`);
  });
}

function* copiesOf(array: MirroredStripes, chunk: number): Iterable<{ source: ByteSource | undefined; start: number }> {
  const { members, nearCopies, farCopies, isOffset, chunkBytes, farStrideBytes } = array;
  const first = chunk * nearCopies;
  const row = Math.floor(first / members.length) * (isOffset ? farCopies : 1);
  const stride = isOffset ? chunkBytes : farStrideBytes;
  for (let near = 0; near < nearCopies; near++) {
    const member = (first + near) % members.length;
    const wraps = (first % members.length) + near >= members.length ? 1 : 0;
    const start = (row + wraps * (isOffset ? farCopies : 1)) * chunkBytes;
    for (let far = 0; far < farCopies; far++) {
      yield { source: members[(member + far * nearCopies) % members.length], start: start + far * stride };
    }
  }
}
