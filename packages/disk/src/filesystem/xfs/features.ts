import { hex } from '../../hex.ts';
import { checkFeaturePolicies, type FeaturePolicy } from '../feature-policy.ts';
import { INCOMPAT, LOG_INCOMPAT, SUPERBLOCK } from './layout.ts';

/** Every incompatible feature, named as xfs_info and the kernel name it. An unlisted bit is refused. */
const INCOMPAT_POLICIES: readonly FeaturePolicy[] = [
  { bit: INCOMPAT.FTYPE, name: 'ftype' },
  { bit: INCOMPAT.SPINODES, name: 'sparse' },
  { bit: INCOMPAT.META_UUID, name: 'meta_uuid' },
  { bit: INCOMPAT.BIGTIME, name: 'bigtime' },
  { bit: INCOMPAT.NEEDSREPAIR, name: 'needsrepair', refusal: 'an upgrade was not finished, xfs_repair is needed' },
  { bit: INCOMPAT.NREXT64, name: 'nrext64' },
  { bit: INCOMPAT.EXCHRANGE, name: 'exchange' },
  { bit: INCOMPAT.PARENT, name: 'parent' },
  { bit: INCOMPAT.METADIR, name: 'metadir', refusal: 'metadata folders and realtime groups cannot be read yet' },
  { bit: INCOMPAT.ZONED, name: 'zoned', refusal: 'content in zones cannot be read yet' },
  { bit: INCOMPAT.ZONE_GAPS, name: 'zone_gaps', refusal: 'content in zones cannot be read yet' },
];

/** @throws DiskError `unsupported` */
export function checkFeatures(incompat: number): void {
  checkFeaturePolicies(incompat, INCOMPAT_POLICIES, { format: 'xfs', offset: SUPERBLOCK.sb_features_incompat[0] });
}

/** The first feature of the log that keeps it from being replayed. */
export function unknownLogFeature(logIncompat: number): string | undefined {
  const unknown = bitsOf(logIncompat).find((bit) => bit !== LOG_INCOMPAT.XATTRS);
  return unknown === undefined ? undefined : hex(unknown);
}

function bitsOf(features: number): number[] {
  return Array.from({ length: 32 }, (_, shift) => 2 ** shift).filter((bit) => has(features, bit));
}

export function has(features: number, bit: number): boolean {
  return (features & bit) !== 0;
}
