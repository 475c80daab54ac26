import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { readSuperblock, type Superblock } from './superblock.ts';

/** The bytes of a filesystem, and what is said of all of them. */
export class ErofsVolume {
  readonly source: ByteSource;
  readonly superblock: Superblock;

  constructor(source: ByteSource) {
    this.source = source;
    this.superblock = readSuperblock(source);
  }

  /** @throws DiskError `corrupt` when it reaches past the end */
  read(offset: number, length: number): Uint8Array {
    if (offset + length <= this.source.sizeBytes) return this.source.read(offset, length);
    throw corrupt(`Cannot read ${length} bytes: the filesystem ends at ${this.source.sizeBytes}`, offset);
  }
}
