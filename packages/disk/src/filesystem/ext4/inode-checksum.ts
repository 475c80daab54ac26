import { crc32c, crc32cBetween } from '../../crc32c.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './corrupt.ts';
import type { StoredInode } from './inode.ts';
import { CREATOR_LINUX, GOOD_OLD_INODE_SIZE, I_CHECKSUM_HI, L_I_CHECKSUM_LO } from './layout.ts';
import type { Superblock } from './superblock.ts';

const ZEROS = new Uint8Array(2);
// filled anew for each inode
const PAIR_BYTES = new Uint8Array(8);
const PAIR = new DataView(PAIR_BYTES.buffer);

/** What every checksum that belongs to an inode starts from. */
export function inodeSeed({ checksumSeed }: Superblock, number: number, generation: number): number | undefined {
  if (checksumSeed === undefined) return undefined;
  PAIR.setUint32(0, number, true);
  PAIR.setUint32(4, generation, true);
  return crc32c(checksumSeed, PAIR_BYTES);
}

export function checkInodeChecksum({ creator }: Superblock, stored: StoredInode, seed: number | undefined): void {
  // other systems keep something else where the checksum is
  if (seed === undefined || creator !== CREATOR_LINUX) return;
  const { number, offset, bytes, fields } = stored;
  const isWide = I_CHECKSUM_HI + 2 <= GOOD_OLD_INODE_SIZE + stored.extraSize;
  const high = isWide ? (bytes[I_CHECKSUM_HI] as number) | ((bytes[I_CHECKSUM_HI + 1] as number) << 8) : 0;
  const expected = fields.l_i_checksum_lo + high * 2 ** 16;
  const computed = checksumOf(bytes, isWide, seed);
  if (expected === (isWide ? computed : computed & 0xffff)) return;
  const state = `checksum is ${hex(expected)}, computed ${hex(computed)}`;
  throw corrupt(`Cannot read inode ${number}: ${state}`, offset + L_I_CHECKSUM_LO);
}

/** Over the whole inode, with zeros for the checksum's own two halves. */
function checksumOf(bytes: Uint8Array, isWide: boolean, seed: number): number {
  const low = crc32c(crc32cBetween(seed, bytes, 0, L_I_CHECKSUM_LO), ZEROS);
  const fixed = crc32cBetween(low, bytes, L_I_CHECKSUM_LO + 2, GOOD_OLD_INODE_SIZE);
  if (!isWide) return crc32cBetween(fixed, bytes, GOOD_OLD_INODE_SIZE, bytes.length);
  const high = crc32c(crc32cBetween(fixed, bytes, GOOD_OLD_INODE_SIZE, I_CHECKSUM_HI), ZEROS);
  return crc32cBetween(high, bytes, I_CHECKSUM_HI + 2, bytes.length);
}
