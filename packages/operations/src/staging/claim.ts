import type { Compression } from '@guestkit/disk';
import { claimsFormat } from '@guestkit/disk/claim';

const NAMES: ReadonlyMap<string, Compression> = new Map([
  ['gz', 'gzip'],
  ['gzip', 'gzip'],
  ['xz', 'xz'],
  ['zst', 'zstd'],
  ['zstd', 'zstd'],
]);

export interface CompressedClaim {
  /** What is claimed of the content, once it is unpacked. */
  readonly inner: string | undefined;
}

/**
 * What a claimed format says of a file that is compressed: `gz`, `raw.gz`, or nothing (`img`). `undefined` when it says something
 * else: a disk that is said to be raw, and whose guest wrote the signature into its first sector, must not be unpacked.
 */
export function claimOfCompressed(claimed: string | undefined, compression: Compression): CompressedClaim | undefined {
  if (!claimsFormat(claimed)) return { inner: undefined };
  const lower = claimed.toLowerCase();
  const dot = lower.lastIndexOf('.');
  if (NAMES.get(lower.slice(dot + 1)) !== compression) return undefined;
  return { inner: dot > 0 ? lower.slice(0, dot) : undefined };
}
