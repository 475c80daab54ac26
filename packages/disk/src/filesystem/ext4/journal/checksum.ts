import { crc32c } from '../../../crc32c.ts';
import { readFields } from '../../../fields.ts';
import { BLOCK_TAIL_SIZE, COMMIT, COMMIT_CHECKSUM, COMMIT_CRC32, COMMIT_HEADER_SIZE } from './layout.ts';
import type { JournalSuperblock } from './superblock.ts';
import type { Tag } from './tags.ts';

/** Whether a descriptor or a record of revoked blocks agrees with the checksum in its last bytes. */
export function agreesWithTail(bytes: Uint8Array, { checksums, seed }: JournalSuperblock): boolean {
  if (checksums < 2) return true;
  const tail = bytes.length - BLOCK_TAIL_SIZE;
  const stored = readFields(bytes, { t_checksum: [tail, 'u32be'] }).t_checksum;
  return stored === [bytes.subarray(0, tail), new Uint8Array(BLOCK_TAIL_SIZE)].reduce(crc32c, seed);
}

/** Whether the copy of a block, as it lies in the journal, agrees with the checksum of its tag. */
export function agreesWithTag(copy: Uint8Array, tag: Tag, sequence: number, superblock: JournalSuperblock): boolean {
  const { checksums, seed } = superblock;
  if (checksums < 2) return true;
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, sequence);
  const computed = [number, copy].reduce(crc32c, seed);
  return tag.checksum === (checksums === 3 ? computed : computed & 0xffff);
}

/** Whether a commit block agrees with its own checksum, of version 2 or 3. */
export function agreesWithItself(commit: Uint8Array, superblock: JournalSuperblock): boolean {
  if (superblock.checksums < 2) return true;
  if (commitChecksum(commit, superblock) === storedChecksum(commit)) return true;
  // of a torn commit block its header may be all that was written: the rest was zeros to begin with
  const header = new Uint8Array(commit.length);
  header.set(commit.subarray(0, COMMIT_HEADER_SIZE));
  return commitChecksum(header, superblock) === storedChecksum(commit);
}

function commitChecksum(commit: Uint8Array, { seed }: JournalSuperblock): number {
  const after = commit.subarray(COMMIT_CHECKSUM + 4);
  return [commit.subarray(0, COMMIT_CHECKSUM), new Uint8Array(4), after].reduce(crc32c, seed);
}

function storedChecksum(commit: Uint8Array): number {
  return readFields(commit, COMMIT).h_chksum;
}

/** Whether a commit block agrees with the sum over its transaction, of version 1, or was written without. */
export function agreesWithSum(commit: Uint8Array, sum: number): boolean {
  const { h_chksum_type: type, h_chksum_size: size, h_chksum: stored } = readFields(commit, COMMIT);
  return type === 0 ? size === 0 && stored === 0 : type === COMMIT_CRC32 && size === 4 && stored === sum;
}

// of CRC-32, most significant bit first
const POLYNOMIAL = 0x04c11db7;
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => remainderOf(byte));

/** Continues the CRC-32 of version 1: starts with 0xffffffff, and nothing is inverted at the end. */
export function crc32be(seed: number, bytes: Uint8Array): number {
  let crc = seed | 0;
  for (const byte of bytes) crc = (crc << 8) ^ (TABLE[(crc >>> 24) ^ byte] as number);
  return crc >>> 0;
}

function remainderOf(byte: number): number {
  let remainder = byte << 24;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder << 1) ^ (remainder < 0 ? POLYNOMIAL : 0);
  return remainder;
}
