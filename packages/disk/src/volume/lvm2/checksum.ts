import { crc32 } from 'node:zlib';
import { CHECKSUM_SEED } from './layout.ts';

/** CRC-32 from a seed of LVM's own, without the usual inversions before and after. */
export function lvmChecksum(...pieces: readonly Uint8Array[]): number {
  let inverted = ~CHECKSUM_SEED >>> 0;
  for (const piece of pieces) inverted = crc32(piece, inverted);
  return ~inverted >>> 0;
}
