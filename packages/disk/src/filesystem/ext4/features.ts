import { checkFeaturePolicies, type FeaturePolicy } from '../feature-policy.ts';
import { COMPAT, FLAGS_TEST_FILESYS, INCOMPAT, RO_COMPAT, SUPERBLOCK_OFFSET } from './layout.ts';

/** The feature words of a superblock. */
export interface Features {
  readonly compat: number;
  readonly incompat: number;
  readonly roCompat: number;
}

/** Every incompatible feature, named as mke2fs and dumpe2fs name it. An unlisted bit is refused. */
const INCOMPAT_POLICIES: readonly FeaturePolicy[] = [
  { bit: INCOMPAT.COMPRESSION, name: 'compression', refusal: 'its format was never settled' },
  { bit: INCOMPAT.FILETYPE, name: 'filetype' },
  { bit: INCOMPAT.RECOVER, name: 'needs_recovery' },
  { bit: INCOMPAT.JOURNAL_DEV, name: 'journal_dev', refusal: 'the device holds a journal, not files' },
  { bit: INCOMPAT.META_BG, name: 'meta_bg' },
  { bit: INCOMPAT.EXTENTS, name: 'extent' },
  { bit: INCOMPAT['64BIT'], name: '64bit' },
  { bit: INCOMPAT.MMP, name: 'mmp' },
  { bit: INCOMPAT.FLEX_BG, name: 'flex_bg' },
  { bit: INCOMPAT.EA_INODE, name: 'ea_inode' },
  { bit: INCOMPAT.DIRDATA, name: 'dirdata', refusal: 'folder entries carry data of another filesystem' },
  { bit: INCOMPAT.CSUM_SEED, name: 'metadata_csum_seed' },
  { bit: INCOMPAT.LARGEDIR, name: 'large_dir' },
  { bit: INCOMPAT.INLINE_DATA, name: 'inline_data' },
  { bit: INCOMPAT.ENCRYPT, name: 'encrypt' },
  { bit: INCOMPAT.CASEFOLD, name: 'casefold' },
];
const S_FEATURE_INCOMPAT = SUPERBLOCK_OFFSET + 0x60;

/** @throws DiskError `unsupported` */
export function checkFeatures(incompat: number): void {
  checkFeaturePolicies(incompat, INCOMPAT_POLICIES, { format: 'ext4', offset: S_FEATURE_INCOMPAT });
}

export function has(features: number, bit: number): boolean {
  return (features & bit) !== 0;
}

const EXT3_RO_COMPAT = RO_COMPAT.SPARSE_SUPER | RO_COMPAT.LARGE_FILE | RO_COMPAT.BTREE_DIR;
const EXT2_INCOMPAT = INCOMPAT.FILETYPE | INCOMPAT.META_BG;

/** Decides as blkid does: by the oldest driver that knows every feature. */
export function typeOf({ compat, incompat, roCompat }: Features, flags: number): string {
  const unknownToExt3 = roCompat & ~EXT3_RO_COMPAT || incompat & ~(EXT2_INCOMPAT | INCOMPAT.RECOVER);
  if (unknownToExt3) return has(flags, FLAGS_TEST_FILESYS) ? 'ext4dev' : 'ext4';
  if (has(compat, COMPAT.HAS_JOURNAL)) return 'ext3';
  return has(incompat, INCOMPAT.RECOVER) ? 'ext4' : 'ext2';
}
