import { readFields } from '../../fields.ts';
import { decodeName } from '../name.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { ExtentMap } from './extent-map.ts';
import { type Inode, isLocal } from './inode.ts';
import { REMOTE_HEADER, REMOTE_HEADER_SIZE, REMOTE_SELF, SYMLINK_MAGIC } from './layout.ts';
import type { XfsVolume } from './volume.ts';

/** The longest target that XFS keeps. */
const MAX_TARGET_BYTES = 1024;

export function readTarget(volume: XfsVolume, inode: Inode): string {
  const { sizeBytes, inode: number } = inode.stat;
  const { bytes, offset } = inode.content;
  if (sizeBytes > MAX_TARGET_BYTES || (isLocal(inode.content) && sizeBytes > bytes.length)) {
    throw corrupt(`Cannot read link in inode ${number}: ${sizeBytes} bytes, expected at most 1024`, offset);
  }
  const target = isLocal(inode.content) ? bytes.subarray(0, sizeBytes) : remoteTarget(volume, inode);
  const end = target.indexOf(0);
  return decodeName(end < 0 ? target : target.subarray(0, end));
}

/** Each run of blocks is one piece; since version 5 it begins with a header. */
function remoteTarget(volume: XfsVolume, inode: Inode): Uint8Array {
  const { number, stat, content } = inode;
  const { blockSize } = volume.superblock;
  const map = new ExtentMap(volume, number, content);
  const target = new Uint8Array(stat.sizeBytes);
  for (let block = 0, done = 0; done < target.length; ) {
    const { offset, count } = map.runAt(block);
    if (offset === undefined) throw corrupt(`Cannot read link in inode ${number}: block ${block} is a hole`, 0);
    // three blocks are enough for any target
    const piece = pieceOf(volume, inode, offset, Math.min(count, 3) * blockSize);
    target.set(piece.subarray(0, target.length - done), done);
    done += piece.length;
    block += count;
  }
  return target;
}

function pieceOf(volume: XfsVolume, { number }: Inode, offset: number, length: number): Uint8Array {
  const bytes = volume.metadata(offset, length);
  if (volume.superblock.version < 5) return bytes;
  const what = `link in inode ${number}`;
  const header = readFields(bytes, REMOTE_HEADER, { format: 'xfs', offset });
  if (header.magic !== SYMLINK_MAGIC) throw corrupt(`Cannot read ${what}: it has no header`, offset);
  checkSelf(volume.superblock, bytes, REMOTE_SELF, { what, offset, owner: number });
  const end = REMOTE_HEADER_SIZE + header.bytes;
  if (header.bytes > 0 && end <= length) return bytes.subarray(REMOTE_HEADER_SIZE, end);
  throw corrupt(`Cannot read ${what}: ${header.bytes} bytes in a piece of ${length}`, offset);
}
