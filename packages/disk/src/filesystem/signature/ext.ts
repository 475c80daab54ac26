import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Refinement } from './format.ts';

const SUPERBLOCK_OFFSET = 1024;
const SUPERBLOCK = {
  feature_compat: [0x5c, 'u32'],
  feature_incompat: [0x60, 'u32'],
  feature_ro_compat: [0x64, 'u32'],
} as const;

const COMPAT_HAS_JOURNAL = 0x4;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_JOURNAL_DEVICE = 0x8;
// filetype, meta_bg
const EXT2_INCOMPAT = 0x2 | 0x10;
const EXT3_INCOMPAT = EXT2_INCOMPAT | INCOMPAT_RECOVER;
// sparse_super, large_file, btree_dir
const EXT3_RO_COMPAT = 0x1 | 0x2 | 0x4;

/** Tells the generations apart as blkid does: by what the older drivers could not do, not by a version. */
export function refineExt(volume: ByteSource): Refinement {
  const fields = readFields(volume.read(SUPERBLOCK_OFFSET, 0x68), SUPERBLOCK);
  if ((fields.feature_incompat & INCOMPAT_JOURNAL_DEVICE) !== 0) return { type: 'jbd' };
  const hasJournal = (fields.feature_compat & COMPAT_HAS_JOURNAL) !== 0;
  const known = hasJournal ? EXT3_INCOMPAT : EXT2_INCOMPAT;
  const isOld = (fields.feature_incompat & ~known) === 0 && (fields.feature_ro_compat & ~EXT3_RO_COMPAT) === 0;
  return { type: isOld ? (hasJournal ? 'ext3' : 'ext2') : 'ext4' };
}
