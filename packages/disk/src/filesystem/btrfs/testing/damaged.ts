import { crc32c } from '../../../crc32c.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import type { Edit } from '../../../testing/edits.ts';
import type { FileSystem } from '../../file-system.ts';
import { openBtrfs } from '../open.ts';

const SUPERBLOCK = 0x10000;

/** The checksums of the superblock and of all blocks of an image, and where they belong. */
export function btrfsSeals(image: Uint8Array): readonly Edit[] {
  return new Damaged(image, 'in place').seals();
}

/** An image in memory to be damaged, with its checksums made anew: of crc32c, and small enough for one superblock. */
export class Damaged {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(image: Uint8Array, where: 'in place' | 'copied' = 'copied') {
    this.bytes = where === 'copied' ? Uint8Array.from(image) : image;
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  set8(offset: number, value: number): void {
    this.#view.setUint8(offset, value);
  }

  set16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, true);
  }

  set32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  set64(offset: number, value: number): void {
    this.#view.setBigUint64(offset, BigInt(value), true);
  }

  get32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  get64(offset: number): number {
    return Number(this.#view.getBigUint64(offset, true));
  }

  get nodeSize(): number {
    return this.get32(SUPERBLOCK + 0x94);
  }

  /** Where blocks of trees lie, by what they say of themselves. */
  blocks(): number[] {
    const fsid = Buffer.from(this.bytes.subarray(SUPERBLOCK + 0x20, SUPERBLOCK + 0x30));
    const start = this.get32(SUPERBLOCK + 0x20);
    const offsets: number[] = [];
    const last = this.bytes.length - Math.max(this.nodeSize, 0x30);
    for (let offset = 0; offset <= last; offset += 4096) {
      // most have other content: to compare a word first is what makes it quick
      if (this.get32(offset + 0x20) !== start || offset === SUPERBLOCK) continue;
      if (fsid.equals(this.bytes.subarray(offset + 0x20, offset + 0x30))) offsets.push(offset);
    }
    return offsets;
  }

  /** The newest block of a tree at a level. */
  block(owner: number, level = 0): number {
    const found = this.blocks()
      .filter((offset) => this.get64(offset + 0x58) === owner && this.bytes[offset + 0x64] === level)
      .sort((one, other) => this.get64(other + 0x50) - this.get64(one + 0x50));
    return found[0] as number;
  }

  /** Where the content of the first item of a type is, in a leaf. */
  item(leaf: number, type: number, which = 0): { readonly entry: number; readonly content: number } {
    const entries = Array.from({ length: this.get32(leaf + 0x60) }, (_, index) => leaf + 101 + index * 25);
    const entry = entries.filter((at) => this.bytes[at + 8] === type)[which] as number;
    return { entry, content: leaf + 101 + this.get32(entry + 17) };
  }

  /** Makes all checksums right. */
  seal(): this {
    for (const { at, bytes } of this.seals()) this.bytes.set(bytes, at);
    return this;
  }

  seals(): readonly Edit[] {
    if (this.bytes.length < SUPERBLOCK + 4096) return [];
    return [this.#sealOf(SUPERBLOCK, 4096), ...this.blocks().map((offset) => this.#sealOf(offset, this.nodeSize))];
  }

  open(): FileSystem {
    return openBtrfs(new MemorySource(this.bytes));
  }

  #sealOf(offset: number, length: number): Edit {
    const covered = this.bytes.subarray(offset + 32, offset + length);
    return { at: offset, bytes: new Uint8Array(Int32Array.of(~crc32c(0xffffffff, covered)).buffer) };
  }
}
