import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';
import { OFFSET_LOW_MASK } from './layout.ts';

// a few blocks of freed clusters may follow the last one in use; beyond that the check is not worth its reads
const MOST_EMPTY_BLOCKS = 4;

/**
 * Checks the refcount table, and by it that the file was not cut short: the cluster in use that is furthest back must be there.
 * Reads one or two clusters. A dirty image has refcounts that are not to be believed.
 */
export function checkRefcountTable(source: ByteSource, header: Qcow2Header): void {
  const blocks = readRefcountTable(source, header);
  if (header.features.dirty) return;
  const last = lastClusterInUse(source, header, blocks);
  if (last !== undefined && last * header.clusterSize >= source.sizeBytes) {
    const state = `it is cut short at ${hex(source.sizeBytes)}, clusters are in use up to ${hex(last * header.clusterSize)}`;
    throw corrupt('file', state, source.sizeBytes);
  }
}

interface RefcountBlock {
  readonly index: number;
  readonly offset: number;
}

/** Checks every entry, and returns the last few. */
function readRefcountTable(source: ByteSource, { refcounts, clusterSize }: Qcow2Header): readonly RefcountBlock[] {
  const bytes = source.read(refcounts.offset, refcounts.sizeBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: RefcountBlock[] = [];
  const end = lengthWithoutTrailingZeros(bytes);
  for (let at = 0; at < end; at += 8) {
    const offset = view.getUint32(at) * 2 ** 32 + ((view.getUint32(at + 4) & OFFSET_LOW_MASK) >>> 0);
    if (offset === 0) continue;
    if (offset % clusterSize !== 0 || offset + clusterSize > source.sizeBytes) {
      const state = `block is at ${hex(offset)}, expected a cluster of the file (${hex(source.sizeBytes)} bytes)`;
      throw corrupt('refcount table', state, refcounts.offset + at);
    }
    blocks.push({ index: at / 8, offset });
    if (blocks.length > MOST_EMPTY_BLOCKS) blocks.shift();
  }
  return blocks;
}

function lastClusterInUse(source: ByteSource, header: Qcow2Header, blocks: readonly RefcountBlock[]) {
  const bitsPerBlock = header.clusterSize * 8;
  for (const block of blocks.toReversed()) {
    const bit = lastSetBit(source.read(block.offset, header.clusterSize), header.refcounts.bits);
    if (bit !== undefined) return Math.floor((block.index * bitsPerBlock + bit) / header.refcounts.bits);
  }
  return undefined;
}

function lastSetBit(bytes: Uint8Array, width: number): number | undefined {
  const index = lengthWithoutTrailingZeros(bytes) - 1;
  if (index === -1) return undefined;
  // refcounts narrower than a byte fill it from its lowest bits
  return index * 8 + (width < 8 ? 31 - Math.clz32(bytes[index] ?? 0) : 0);
}

/** By halves, compared as a whole: tables are mostly zeros, and V8 would compile a loop over their bytes, which takes 6 MiB. */
function lengthWithoutTrailingZeros(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isZero(bytes.subarray(middle, high))) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** Of bytes that are not none: the first is, and each is as the one before it. */
function isZero(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}
