import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import { corrupt } from './corrupt.ts';
import type { Inode } from './inode.ts';
import { I_BLOCK } from './layout.ts';
import { readInodeXattrs } from './xattr.ts';

const OVERFLOW_ATTRIBUTE = 'system.data';

/** What a small file or folder keeps in its inode: 60 bytes, then an attribute that takes the rest. */
export function readInlineData(inode: Inode): Uint8Array {
  const { number, offset, stat } = inode;
  const stored = storedBytes(inode);
  if (stat.sizeBytes <= stored.length) return stored.subarray(0, stat.sizeBytes);
  const state = `there are ${stored.length} bytes, expected ${stat.sizeBytes}`;
  throw corrupt(`Cannot read inline data of inode ${number}: ${state}`, offset + I_BLOCK);
}

/** The content of a file in its inode. One that mke2fs made of nothing but a hole is larger than what is there: the rest is zeros. */
export class InlineContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #stored: Uint8Array;

  constructor(inode: Inode) {
    this.sizeBytes = inode.stat.sizeBytes;
    this.#stored = storedBytes(inode);
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'ext4' });
    const bytes = new Uint8Array(length);
    bytes.set(this.#stored.subarray(offset, offset + length));
    return bytes;
  }
}

function storedBytes(inode: Inode): Uint8Array {
  const overflow = readInodeXattrs(inode).find(({ name }) => name === OVERFLOW_ATTRIBUTE);
  return overflow === undefined ? inode.blockArea : Buffer.concat([inode.blockArea, overflow.value]);
}
