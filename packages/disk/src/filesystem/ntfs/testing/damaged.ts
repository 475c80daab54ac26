import { readFileSync } from 'node:fs';
import { MemorySource } from '../../../source/memory-source.ts';
import type { FileSystem } from '../../file-system.ts';
import { openNtfs } from '../open.ts';

const END = 0xffffffff;

/** A volume in memory to be damaged, with records of 1 KiB in one row. */
export class DamagedNtfs {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(image: string) {
    this.bytes = new Uint8Array(readFileSync(image));
    this.#view = new DataView(this.bytes.buffer);
  }

  get clusterBytes(): number {
    return this.#view.getUint16(11, true) * (this.bytes[13] as number);
  }

  /** Where the record of a file is, by its number or path. */
  record(file: number | string): number {
    const number = typeof file === 'number' ? file : this.number(file);
    return Number(this.#view.getBigUint64(48, true)) * this.clusterBytes + number * 1024;
  }

  number(path: string): number {
    let node = openNtfs(new MemorySource(this.bytes.slice())).root;
    for (const name of path.split('/').filter(Boolean)) {
      const next = node.lookup(name);
      if (next === undefined) throw new Error(`Cannot find "${name}"`);
      node = next;
    }
    return node.stat.inode;
  }

  /** Where an attribute of a record is: the first of a type. */
  attribute(file: number | string, type: number): number {
    let at = this.record(file) + this.get16(this.record(file) + 20);
    while (this.get32(at) !== type) {
      if (this.get32(at) === END) throw new Error(`Cannot find attribute ${type}`);
      at += this.get32(at + 4);
    }
    return at;
  }

  /** Where the value of a resident attribute is. */
  value(file: number | string, type: number): number {
    const at = this.attribute(file, type);
    return at + this.get16(at + 20);
  }

  /** Where the run list of an attribute is. */
  runs(file: number | string, type: number): number {
    const at = this.attribute(file, type);
    return at + this.get16(at + 32);
  }

  /** Where the first run of an attribute is on the volume. */
  firstRun(file: number | string, type: number): number {
    const at = this.runs(file, type);
    const lengthBytes = (this.bytes[at] as number) & 0xf;
    const distanceBytes = (this.bytes[at] as number) >> 4;
    let lcn = 0;
    for (let index = distanceBytes; index > 0; index--)
      lcn = lcn * 256 + (this.bytes[at + lengthBytes + index] as number);
    return lcn * this.clusterBytes;
  }

  get16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  get32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  set(offset: number, ...bytes: readonly number[]): void {
    this.bytes.set(bytes, offset);
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

  /** Changes the boot sector and its copy. */
  setBoot(offset: number, ...bytes: readonly number[]): void {
    this.set(offset, ...bytes);
    this.set(this.bytes.length - 512 + offset, ...bytes);
  }

  open(): FileSystem {
    return openNtfs(new MemorySource(this.bytes));
  }
}
