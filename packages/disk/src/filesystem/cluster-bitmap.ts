import type { ByteSource } from '../source/byte-source.ts';
import type { ClusterRun } from './cluster-chain.ts';

const PIECE_BYTES = 64 * 1024;
const BITS_IN = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** How many of the first `count` bits are 0: clusters that nothing is kept in. */
export function countFree(bitmap: ByteSource, count: number): number {
  let used = 0;
  for (const { bytes } of pieces(bitmap, count)) for (const byte of bytes) used += BITS_IN[byte] as number;
  return count - used + bitsBehindEnd(bitmap, count);
}

/** The rows of bits that are 0 among the first `count`. */
export function* freeClusters(bitmap: ByteSource, count: number): Generator<ClusterRun> {
  let first: number | undefined;
  for (const { bytes, offset } of pieces(bitmap, count)) {
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] as number;
      const isUniform = byte === (first === undefined ? 0xff : 0);
      for (let bit = 0; bit < (isUniform ? 0 : 8); bit++) {
        const cluster = (offset + index) * 8 + bit;
        const isFree = (byte & (1 << bit)) === 0 && cluster < count;
        if (isFree) first ??= cluster;
        else if (first !== undefined) {
          yield { cluster: first, count: cluster - first };
          first = undefined;
        }
      }
    }
  }
  if (first !== undefined) yield { cluster: first, count: count - first };
}

function* pieces(bitmap: ByteSource, count: number) {
  const length = Math.ceil(count / 8);
  for (let offset = 0; offset < length; offset += PIECE_BYTES) {
    yield { offset, bytes: bitmap.read(offset, Math.min(PIECE_BYTES, length - offset)) };
  }
}

/** The last byte may have bits of no cluster. */
function bitsBehindEnd(bitmap: ByteSource, count: number): number {
  const inLast = count % 8;
  if (inLast === 0) return 0;
  const last = bitmap.read(Math.floor(count / 8), 1)[0] as number;
  return BITS_IN[last >> inLast] as number;
}
