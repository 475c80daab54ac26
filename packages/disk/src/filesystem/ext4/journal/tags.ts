import { readFields } from '../../../fields.ts';
import { corrupt } from '../corrupt.ts';
import { has } from '../features.ts';
import {
  BLOCK_TAIL_SIZE,
  JOURNAL_HEADER_SIZE,
  REVOKE_COUNT,
  REVOKE_HEADER_SIZE,
  TAG,
  TAG_BLOCKNR_HIGH,
  TAG_FLAG,
  TAG_UUID_SIZE,
  TAG3_CHECKSUM,
  TAG3_SIZE,
} from './layout.ts';
import type { JournalSuperblock } from './superblock.ts';

/** Of a descriptor: which block of the filesystem the next copy in the journal is for. */
export interface Tag {
  readonly block: number;
  /** The copy began like a block of the journal itself, so its first bytes were taken away. */
  readonly isEscaped: boolean;
  readonly checksum: number;
}

export function* tagsOf(descriptor: Uint8Array, superblock: JournalSuperblock): Generator<Tag> {
  const size = tagSize(superblock);
  const end = descriptor.length - tailSize(superblock);
  for (let position = JOURNAL_HEADER_SIZE; position + size <= end; ) {
    const bytes = descriptor.subarray(position, position + size);
    const flags = readFields(bytes, TAG).t_flags;
    yield tagOf(bytes, flags, superblock);
    if (has(flags, TAG_FLAG.LAST)) return;
    position += size + (has(flags, TAG_FLAG.SAME_UUID) ? 0 : TAG_UUID_SIZE);
  }
}

/** Tags grew with each feature, and version 2 of the checksums left two bytes too many. */
function tagSize({ checksums, is64Bit }: JournalSuperblock): number {
  if (checksums === 3) return TAG3_SIZE;
  return 8 + (checksums === 2 ? 2 : 0) + (is64Bit ? 4 : 0);
}

function tailSize({ checksums }: JournalSuperblock): number {
  return checksums < 2 ? 0 : BLOCK_TAIL_SIZE;
}

function tagOf(bytes: Uint8Array, flags: number, { checksums, is64Bit }: JournalSuperblock): Tag {
  const { t_blocknr, t_checksum } = readFields(bytes, TAG);
  const high = is64Bit ? readFields(bytes, { high: [TAG_BLOCKNR_HIGH, 'u32be'] }).high : 0;
  return {
    block: t_blocknr + high * 2 ** 32,
    isEscaped: has(flags, TAG_FLAG.ESCAPE),
    checksum: checksums === 3 ? readFields(bytes, { sum: [TAG3_CHECKSUM, 'u32be'] }).sum : t_checksum,
  };
}

/** The blocks whose copies in a transaction and in all before it are void. */
export function* revokedBlocks(record: Uint8Array, superblock: JournalSuperblock, offset: number): Generator<number> {
  const end = readFields(record, REVOKE_COUNT).r_count;
  const most = record.length - tailSize(superblock);
  if (end > most) throw corrupt(`Cannot replay journal: r_count is ${end}, expected at most ${most}`, offset);
  const size = superblock.is64Bit ? 8 : 4;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  for (let position = REVOKE_HEADER_SIZE; position + size <= end; position += size) {
    const high = size === 8 ? view.getUint32(position) : 0;
    yield high * 2 ** 32 + view.getUint32(position + size - 4);
  }
}
