import { readFileSync } from 'node:fs';
import { MemorySource } from '../../../source/memory-source.ts';
import type { FileSystem } from '../../file-system.ts';
import { createFileTree } from '../../tree.ts';
import { extentEntry } from '../extent.ts';
import { openXfs } from '../open.ts';

/** An image of version 4 and one group in memory to be damaged, with blocks of 1 KiB and inodes of 256 bytes. */
export class Damaged {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #inodes: ReadonlyMap<string, number>;

  constructor(image: string) {
    this.bytes = new Uint8Array(readFileSync(image));
    this.#view = new DataView(this.bytes.buffer);
    const files = [...createFileTree(this.open()).walk()];
    this.#inodes = new Map(files.map(({ path, node }) => [path, node.stat.inode]));
  }

  number(path: string): number {
    return this.#inodes.get(path) as number;
  }

  inode(path: string): number {
    return this.number(path) * 256;
  }

  /** Where the map, the target, or a folder in its inode begins. */
  fork(path: string): number {
    return this.inode(path) + 100;
  }

  /** The first block of a file or folder. */
  block(path: string): number {
    return extentEntry(this.#view, this.fork(path)).physical * 1024;
  }

  /** The place of a name, behind its length. */
  name(from: number, name: string): number {
    return Buffer.from(this.bytes.buffer, from, 4096).indexOf(name) + from;
  }

  set8(offset: number, value: number): void {
    this.bytes[offset] = value;
  }

  set16(offset: number, value: number): void {
    this.#view.setUint16(offset, value);
  }

  set32(offset: number, value: number): void {
    this.#view.setUint32(offset, value);
  }

  open(): FileSystem {
    return openXfs(new MemorySource(this.bytes));
  }
}
