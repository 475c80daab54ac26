import type { FileStat, FileTime } from '../file-system.ts';
import type { StoredInode } from './inode.ts';
import {
  GOOD_OLD_INODE_SIZE,
  I_ATIME_EXTRA,
  I_CRTIME,
  I_CRTIME_EXTRA,
  I_CTIME_EXTRA,
  I_MTIME_EXTRA,
} from './layout.ts';

type Times = Pick<FileStat, 'modifiedAt' | 'changedAt' | 'accessedAt' | 'createdAt'>;

export function inodeTimes(stored: StoredInode): Times {
  const { fields, bytes } = stored;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const extra = (offset: number) => (isPresent(stored, offset) ? view.getUint32(offset, true) : 0);
  return {
    modifiedAt: timeOf(fields.i_mtime, extra(I_MTIME_EXTRA)),
    changedAt: timeOf(fields.i_ctime, extra(I_CTIME_EXTRA)),
    accessedAt: timeOf(fields.i_atime, extra(I_ATIME_EXTRA)),
    ...(isPresent(stored, I_CRTIME) && {
      createdAt: timeOf(view.getInt32(I_CRTIME, true), extra(I_CRTIME_EXTRA)),
    }),
  };
}

function isPresent({ extraSize }: StoredInode, offset: number): boolean {
  return offset + 4 <= GOOD_OLD_INODE_SIZE + extraSize;
}

/** The extra word adds two bits above the 32 of the seconds, which stay signed, and 30 bits of nanoseconds. */
function timeOf(seconds: number, extra: number): FileTime {
  return { seconds: seconds + (extra & 0b11) * 2 ** 32, nanoseconds: extra >>> 2 };
}
