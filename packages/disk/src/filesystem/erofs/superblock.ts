import { crc32c } from '../../crc32c.ts';
import { readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileTime } from '../file-system.ts';
import { readLabel } from '../signature/format.ts';
import { corrupt, unsupported } from './error.ts';
import {
  BLOCK_BITS,
  COMPAT_CHECKSUM,
  INCOMPAT,
  INCOMPAT_KNOWN,
  MAGIC,
  SUPERBLOCK,
  SUPERBLOCK_AT,
  SUPERBLOCK_SIZE,
  UUID,
  VOLUME_NAME,
} from './layout.ts';

export interface Superblock {
  readonly blockSize: number;
  readonly blockBits: number;
  readonly sizeBytes: number;
  readonly root: number;
  /** The time of all files whose inodes keep none. */
  readonly builtAt: FileTime;
  readonly inodesAt: number;
  readonly sharedXattrsAt: number;
  readonly xattrPrefixes: { readonly count: number; readonly at: number };
  /** The file that holds fragments and prefixes of attributes; 0 when there is none. */
  readonly packed: number;
  readonly hasZeroPadding: boolean;
  readonly hasFragments: boolean;
  readonly label: string | undefined;
  readonly uuid: string;
}

export function readSuperblock(source: ByteSource): Superblock {
  const bytes = source.read(SUPERBLOCK_AT, Math.max(0, Math.min(SUPERBLOCK_SIZE, source.sizeBytes - SUPERBLOCK_AT)));
  const fields = readFields(bytes, SUPERBLOCK, { format: 'erofs', offset: SUPERBLOCK_AT });
  if (fields.magic !== MAGIC) throw corrupt(`Cannot read superblock: magic is ${hex(fields.magic)}`, SUPERBLOCK_AT);
  const blockSize = 2 ** fields.blkszbits;
  if (fields.blkszbits < BLOCK_BITS.least || fields.blkszbits > BLOCK_BITS.most) {
    throw corrupt(
      `Cannot read superblock: blocks have 2^${fields.blkszbits} bytes, expected 2^9 to 2^16`,
      SUPERBLOCK_AT + 12,
    );
  }
  if ((fields.feature_compat & COMPAT_CHECKSUM) !== 0) checkChecksum(source, blockSize, fields.checksum);
  checkFeatures(fields);
  return {
    blockSize,
    blockBits: fields.blkszbits,
    sizeBytes: fields.blocks * blockSize,
    root: fields.root_nid,
    builtAt: { seconds: fields.build_time, nanoseconds: fields.build_time_nsec },
    inodesAt: fields.meta_blkaddr * blockSize,
    sharedXattrsAt: fields.xattr_blkaddr * blockSize,
    xattrPrefixes: { count: fields.xattr_prefix_count, at: fields.xattr_prefix_start * 4 },
    packed: fields.packed_nid,
    hasZeroPadding: (fields.feature_incompat & INCOMPAT.zeroPadding) !== 0,
    hasFragments: (fields.feature_incompat & INCOMPAT.fragments) !== 0,
    label: readLabel(source, VOLUME_NAME),
    uuid: readUuid(bytes.subarray(UUID.start, UUID.end)),
  };
}

function checkFeatures({
  feature_incompat,
  dirblkbits,
}: {
  readonly feature_incompat: number;
  readonly dirblkbits: number;
}): void {
  const unknown = feature_incompat & ~INCOMPAT_KNOWN;
  if (unknown !== 0) {
    const message = `Cannot open filesystem: it has incompatible features ${hex(unknown >>> 0)} that are not known`;
    throw unsupported(message, SUPERBLOCK_AT + SUPERBLOCK.feature_incompat[0]);
  }
  if (dirblkbits === 0) return;
  const message = `Cannot open filesystem: blocks of folders are 2^${dirblkbits} times larger than others`;
  throw unsupported(message, SUPERBLOCK_AT + SUPERBLOCK.dirblkbits[0]);
}

/** Of the block that the superblock is in, from where it begins. */
function checkChecksum(source: ByteSource, blockSize: number, expected: number): void {
  const length = blockSize > SUPERBLOCK_AT ? blockSize - SUPERBLOCK_AT : blockSize;
  if (SUPERBLOCK_AT + length > source.sizeBytes)
    throw corrupt('Cannot read superblock: its block is cut', SUPERBLOCK_AT);
  const bytes = source.read(SUPERBLOCK_AT, length).slice();
  bytes.fill(0, SUPERBLOCK.checksum[0], SUPERBLOCK.checksum[0] + 4);
  const computed = crc32c(0xffffffff, bytes);
  if (computed === expected) return;
  throw corrupt(`Cannot read superblock: checksum is ${hex(expected)}, computed ${hex(computed)}`, SUPERBLOCK_AT + 4);
}
