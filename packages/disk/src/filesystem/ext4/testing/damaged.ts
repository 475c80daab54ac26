import { readFileSync } from 'node:fs';
import { MemorySource } from '../../../source/memory-source.ts';
import type { FileSystem } from '../../file-system.ts';
import { openExt4 } from '../open.ts';
import { debugfs } from './image.ts';

/** An image in memory to be damaged, and where things are in it as debugfs knows. */
export class Damaged {
  readonly bytes: Uint8Array;
  readonly #image: string;

  constructor(image: string) {
    this.#image = image;
    this.bytes = new Uint8Array(readFileSync(image));
  }

  inode(file: string): number {
    const [, block, within] =
      /located at block (\d+), offset (0x[0-9a-f]+)/.exec(debugfs(this.#image, `imap ${file}`)) ?? [];
    return Number(block) * 1024 + Number(within);
  }

  number(file: string): number {
    return Number(/Inode: (\d+)/.exec(debugfs(this.#image, `stat ${file}`))?.[1]);
  }

  /** The place of a block of a file, in an image with blocks of 1 KiB. */
  block(file: string, index: number): number {
    return Number(/^(\d+)/m.exec(debugfs(this.#image, `bmap ${file} ${index}`))?.[1]) * 1024;
  }

  /** The place of a name's entry in a folder of one block. */
  entry(folder: string, name: string): number {
    const block = this.block(folder, 0);
    return Buffer.from(this.bytes.subarray(block, block + 1024)).indexOf(name) + block - 8;
  }

  get(offset: number): number {
    return new DataView(this.bytes.buffer).getUint32(offset, true);
  }

  set(offset: number, ...words: readonly number[]): void {
    this.bytes.set(new Uint8Array(Uint32Array.from(words).buffer), offset);
  }

  set16(offset: number, value: number): void {
    this.bytes.set([value & 0xff, value >> 8], offset);
  }

  open(): FileSystem {
    return openExt4(new MemorySource(this.bytes));
  }
}
