import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';
import { I_BLOCK } from './layout.ts';
import { readInodeXattrs } from './xattr.ts';

const OVERFLOW_ATTRIBUTE = 'system.data';

/** The content of a small file or folder that is kept in its inode: 60 bytes, then an attribute that takes the rest. */
export function readInlineData(inode: Inode): Uint8Array {
  const { blockArea, number, offset, stat } = inode;
  const size = stat.sizeBytes;
  const overflow = size > blockArea.length ? overflowOf(inode) : new Uint8Array();
  if (size > blockArea.length + overflow.length) {
    const state = `there are ${blockArea.length + overflow.length} bytes, expected ${size}`;
    throw corrupt(`Cannot read inline data of inode ${number}: ${state}`, offset + I_BLOCK);
  }
  return Buffer.concat([blockArea, overflow]).subarray(0, size);
}

function overflowOf(inode: Inode): Uint8Array {
  const attribute = readInodeXattrs(inode).find(({ name }) => name === OVERFLOW_ATTRIBUTE);
  return attribute?.value ?? new Uint8Array();
}
