import { DiskError, type DiskErrorPlace } from '../error.ts';
import { hex } from '../hex.ts';

/** A feature that readers must know, and what becomes of a filesystem that has it. */
export interface FeaturePolicy {
  readonly bit: number | bigint;
  /** As the tools of the filesystem name it. */
  readonly name: string;
  /** Why a filesystem with this feature is not read; absent when it is. */
  readonly refusal?: string;
}

/**
 * Refuses what an unlisted feature may mean, and what a listed one is known to mean.
 * @throws DiskError `unsupported` that names the first feature which keeps the filesystem from being read
 */
export function checkFeaturePolicies(
  features: number | bigint,
  policies: readonly FeaturePolicy[],
  place: DiskErrorPlace,
): void {
  const word = BigInt(features);
  for (let bit = 1n; bit <= word; bit <<= 1n) {
    if ((word & bit) === 0n) continue;
    const policy = policies.find((known) => BigInt(known.bit) === bit);
    if (policy !== undefined && policy.refusal === undefined) continue;
    const what = policy === undefined ? `unknown incompatible feature ${hex(bit)}` : `feature "${policy.name}"`;
    const why = policy?.refusal ?? 'a newer reader is needed';
    throw new DiskError('unsupported', `Cannot open filesystem: ${what}: ${why}`, place);
  }
}
