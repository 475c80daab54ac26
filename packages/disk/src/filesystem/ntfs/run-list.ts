import { hex } from '../../hex.ts';
import type { Geometry } from './boot-sector.ts';
import { corrupt } from './corrupt.ts';

/** Clusters of an attribute that lie in one row. */
export interface ClusterRun {
  /** Of the first of them, in the attribute. */
  readonly vcn: number;
  /** On the volume; `undefined` where nothing is stored. */
  readonly lcn: number | undefined;
  readonly count: number;
}

/** A file in more pieces than this is not one that anybody has. */
export const MOST_RUNS = 2 ** 20;
/** More bits than a number has. */
const MOST_NUMBER_BYTES = 8;

/**
 * The runs that a list of mapping pairs says: lengths, and distances from the run before.
 * @param first the number of the first cluster in the attribute
 * @param offset where on the volume the list is
 * @throws DiskError `corrupt` when it does not end, or names clusters that are not on the volume
 */
export function decodeRuns(bytes: Uint8Array, first: number, { clusterCount }: Geometry, offset: number): ClusterRun[] {
  const runs: ClusterRun[] = [];
  let vcn = first;
  let lcn = 0;
  for (let at = 0; ; ) {
    const sizes = bytes[at];
    if (sizes === undefined) throw corrupt('Cannot read run list: it has no end', offset);
    if (sizes === 0) return runs;
    const lengthBytes = sizes & 0xf;
    const distanceBytes = sizes >> 4;
    const end = at + 1 + lengthBytes + distanceBytes;
    if (Math.max(lengthBytes, distanceBytes) > MOST_NUMBER_BYTES || end > bytes.length) {
      throw corrupt(`Cannot read run list: bad sizes ${hex(sizes)}`, offset + at);
    }
    const count = signedNumber(bytes, at + 1, lengthBytes);
    if (!(count > 0 && Number.isSafeInteger(vcn + count)))
      throw corrupt(`Cannot read run list: a run of ${count} clusters`, offset + at);
    lcn += signedNumber(bytes, at + 1 + lengthBytes, distanceBytes);
    const isStored = distanceBytes > 0;
    if (isStored && !(lcn >= 0 && lcn + count <= clusterCount)) {
      throw corrupt(
        `Cannot read run list: ${count} clusters from ${hex(lcn)}, there are ${hex(clusterCount)}`,
        offset + at,
      );
    }
    runs.push({ vcn, lcn: isStored ? lcn : undefined, count });
    vcn += count;
    at = end;
  }
}

/** @throws DiskError `corrupt` when two runs have a cluster in common */
export function checkOverlaps(runs: readonly ClusterRun[], offset: number): void {
  let end = 0;
  const stored = runs.flatMap(({ lcn, count }) => (lcn === undefined ? [] : [{ lcn, count }]));
  for (const { lcn, count } of stored.sort((one, other) => one.lcn - other.lcn)) {
    if (lcn < end) throw corrupt(`Cannot read run list: cluster ${hex(lcn)} is in two runs`, offset);
    end = lcn + count;
  }
}

/** A little-endian number of up to 8 bytes, with a sign. Above 2^53 it is not exact, which nothing on a volume is. */
function signedNumber(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] as number);
  const isNegative = length > 0 && (bytes[at + length - 1] as number) >= 0x80;
  return isNegative ? value - 256 ** length : value;
}
