import type { FileType } from '../../../file-system.ts';
import { typeOfMode } from '../../../unix-mode.ts';
import { has } from '../../features.ts';
import type { RawInode } from '../../inode.ts';
import {
  EXTENT_ENTRY_SIZE,
  EXTENT_HEADER,
  EXTENT_MAGIC,
  I_BLOCK,
  I_BLOCK_SIZE,
  INODE,
  INODE_FLAG,
} from '../../layout.ts';
import { ChangedRanges } from './changed-map.ts';

const GENERATION = INODE.i_generation[0];

const MAX_LINKS = 0xffff;

/** An inode as the records leave it. Its checksum is that of what lies on the disk: the records have their own. */
export class ChangedInode {
  readonly raw: RawInode;
  #ranges = new ChangedRanges();

  constructor(raw: RawInode) {
    // a copy: it will be changed
    this.raw = { ...raw, bytes: raw.bytes.slice() };
  }

  get ranges(): ChangedRanges {
    return this.#ranges;
  }

  get type(): FileType | undefined {
    return typeOfMode(this.#view.getUint16(INODE.i_mode[0], true));
  }

  /** Whether it is in use, so far as can be seen in it. */
  get isInUse(): boolean {
    return this.type !== undefined && this.links > 0;
  }

  get hasExtents(): boolean {
    return has(this.#flags, INODE_FLAG.EXTENTS);
  }

  /** Whether its blocks are found by pointers, of which there are no records. */
  get hasPointers(): boolean {
    if (has(this.#flags, INODE_FLAG.EXTENTS | INODE_FLAG.INLINE_DATA)) return false;
    return this.type === 'file' || this.type === 'directory';
  }

  get links(): number {
    return this.#view.getUint16(INODE.i_links_count[0], true);
  }

  set links(count: number) {
    this.#view.setUint16(INODE.i_links_count[0], Math.min(count, MAX_LINKS), true);
  }

  /** Takes what was recorded of it, but for extents: of those there are records of their own. */
  record(recorded: Uint8Array): void {
    const { bytes } = this.raw;
    bytes.set(recorded.subarray(0, I_BLOCK));
    bytes.set(recorded.subarray(GENERATION), GENERATION);
    if (!this.hasExtents) bytes.set(recorded.subarray(I_BLOCK, I_BLOCK + I_BLOCK_SIZE), I_BLOCK);
    else if (this.#view.getUint16(I_BLOCK, true) !== EXTENT_MAGIC) this.#emptyExtents();
  }

  /** Its last name is gone, and with it what it holds: the number may be given to another. */
  free(): void {
    this.links = 0;
    this.#ranges = new ChangedRanges();
    this.#emptyExtents();
  }

  #emptyExtents(): void {
    this.raw.bytes.fill(0, I_BLOCK, I_BLOCK + I_BLOCK_SIZE);
    this.#view.setUint16(I_BLOCK + EXTENT_HEADER.eh_magic[0], EXTENT_MAGIC, true);
    this.#view.setUint16(I_BLOCK + EXTENT_HEADER.eh_max[0], I_BLOCK_SIZE / EXTENT_ENTRY_SIZE - 1, true);
  }

  get #flags(): number {
    return this.#view.getUint32(INODE.i_flags[0], true);
  }

  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.raw.bytes;
    return new DataView(buffer, byteOffset, byteLength);
  }
}
