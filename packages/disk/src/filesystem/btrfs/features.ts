import { checkFeaturePolicies, type FeaturePolicy } from '../feature-policy.ts';
import { COMPAT_RO, INCOMPAT, SUPERBLOCK } from './layout.ts';

/** Every incompatible feature, named as mkfs.btrfs and sysfs name it. An unlisted bit is refused. */
const INCOMPAT_POLICIES: readonly FeaturePolicy[] = [
  { bit: INCOMPAT.MIXED_BACKREF, name: 'mixed_backref' },
  { bit: INCOMPAT.DEFAULT_SUBVOL, name: 'default_subvol' },
  { bit: INCOMPAT.MIXED_GROUPS, name: 'mixed_groups' },
  { bit: INCOMPAT.COMPRESS_LZO, name: 'compress_lzo' },
  { bit: INCOMPAT.COMPRESS_ZSTD, name: 'compress_zstd' },
  { bit: INCOMPAT.BIG_METADATA, name: 'big_metadata' },
  { bit: INCOMPAT.EXTENDED_IREF, name: 'extended_iref' },
  { bit: INCOMPAT.RAID56, name: 'raid56' },
  { bit: INCOMPAT.SKINNY_METADATA, name: 'skinny_metadata' },
  { bit: INCOMPAT.NO_HOLES, name: 'no_holes' },
  { bit: INCOMPAT.METADATA_UUID, name: 'metadata_uuid' },
  { bit: INCOMPAT.RAID1C34, name: 'raid1c34' },
  { bit: INCOMPAT.ZONED, name: 'zoned', refusal: 'its superblocks are logs in zones of their own' },
  { bit: INCOMPAT.EXTENT_TREE_V2, name: 'extent_tree_v2', refusal: 'its format is not settled' },
  {
    bit: INCOMPAT.RAID_STRIPE_TREE,
    name: 'raid_stripe_tree',
    refusal: 'where data lies is said by a tree not read yet',
  },
  { bit: INCOMPAT.SIMPLE_QUOTA, name: 'simple_quota' },
];

/** Features that only writers must know; an unlisted one does not keep files from being read. */
const KNOWN_COMPAT_RO = Object.values(COMPAT_RO).reduce((all, bit) => all | bit, 0n);

/** @throws DiskError `unsupported` */
export function checkFeatures(incompat: bigint, superblockOffset: number): void {
  const offset = superblockOffset + SUPERBLOCK.incompat_flags[0];
  checkFeaturePolicies(incompat, INCOMPAT_POLICIES, { format: 'btrfs', offset });
}

/** Bits of read-only compatible features that are not known here. */
export function unknownCompatRo(compatRo: bigint): bigint {
  return compatRo & ~KNOWN_COMPAT_RO;
}

export function has(features: bigint, bit: bigint): boolean {
  return (features & bit) !== 0n;
}
