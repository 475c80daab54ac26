import { MemorySource } from '../../../source/memory-source.ts';
import type { FileSystem } from '../../file-system.ts';
import { openFat } from '../open.ts';

const SECTOR = 512;
const END: Readonly<Record<number, number>> = { 12: 0xfff, 16: 0xffff, 32: 0x0fffffff };
const FAT16_CLUSTERS = 4200;

export interface EntryFields {
  /** Eleven characters, each a byte. */
  readonly name: string;
  readonly attributes?: number;
  readonly caseFlags?: number;
  readonly cluster?: number;
  readonly size?: number;
  /** Date and time words: modified, created (with hundredths), accessed. */
  readonly times?: Readonly<Partial<Record<'date' | 'time' | 'cdate' | 'ctime' | 'hundredths' | 'adate', number>>>;
}

/** A FAT volume made by hand, with clusters of 512 bytes, to be filled with whatever a test is about. */
export class FatImage {
  readonly bits: 12 | 16 | 32;
  readonly bytes: Uint8Array;
  readonly tableOffset: number;
  readonly rootOffset: number;
  readonly dataOffset: number;
  readonly #tableBytes: number;
  readonly #view: DataView;

  constructor(bits: 12 | 16 | 32 = 12) {
    const clusters = bits === 16 ? FAT16_CLUSTERS : 200;
    const reserved = bits === 32 ? 4 : 1;
    const tableSectors = Math.ceil(((clusters + 2) * bits) / 8 / SECTOR);
    const rootSectors = bits === 32 ? 0 : 4;
    const sectors = reserved + 2 * tableSectors + rootSectors + clusters;
    this.bits = bits;
    this.bytes = new Uint8Array(sectors * SECTOR);
    this.#view = new DataView(this.bytes.buffer);
    this.#tableBytes = tableSectors * SECTOR;
    this.tableOffset = reserved * SECTOR;
    this.dataOffset = this.tableOffset + 2 * this.#tableBytes + rootSectors * SECTOR;
    // on FAT32 the root is the first cluster
    this.rootOffset = bits === 32 ? this.dataOffset : this.dataOffset - rootSectors * SECTOR;
    this.#writeBootSector(reserved, tableSectors, rootSectors, sectors);
    this.link(0, END[bits] ?? 0);
    this.link(1, END[bits] ?? 0);
    if (bits === 32) this.chain(2);
  }

  set8(offset: number, value: number): void {
    this.bytes[offset] = value;
  }

  set16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, true);
  }

  set32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** Writes the entry of a cluster into a table: the first one, unless told. */
  link(cluster: number, value: number, table = 0): void {
    const at = this.tableOffset + table * this.#tableBytes + Math.floor((cluster * this.bits) / 8);
    if (this.bits === 32) this.set32(at, value);
    else if (this.bits === 16) this.set16(at, value);
    else if (cluster % 2 === 0) this.set16(at, (this.#view.getUint16(at, true) & 0xf000) | value);
    else this.set16(at, (this.#view.getUint16(at, true) & 0x000f) | (value << 4));
  }

  /** Links clusters to a chain that ends. */
  chain(...clusters: readonly number[]): void {
    for (const [index, cluster] of clusters.entries()) this.link(cluster, clusters[index + 1] ?? END[this.bits] ?? 0);
  }

  offsetOf(cluster: number): number {
    return this.dataOffset + (cluster - 2) * SECTOR;
  }

  /** Writes entries from the start of the root, or of a cluster. */
  fill(place: 'root' | number, ...slots: readonly Uint8Array[]): this {
    const start = place === 'root' ? this.rootOffset : this.offsetOf(place);
    for (const [index, slot] of slots.entries()) this.bytes.set(slot, start + index * 32);
    return this;
  }

  open(): FileSystem {
    return openFat(new MemorySource(this.bytes));
  }

  #writeBootSector(reserved: number, tableSectors: number, rootSectors: number, sectors: number): void {
    this.set16(11, SECTOR);
    this.set8(13, 1);
    this.set16(14, reserved);
    this.set8(16, 2);
    this.set16(17, (rootSectors * SECTOR) / 32);
    this.set8(21, 0xf8);
    this.set16(22, this.bits === 32 ? 0 : tableSectors);
    this.set32(32, sectors);
    if (this.bits === 32) {
      this.set32(36, tableSectors);
      this.set32(44, 2);
      this.set16(48, 1);
    }
    this.set16(510, 0xaa55);
  }
}

export const FOLDER = 0x10;
export const VOLUME = 0x08;

export function entry({ name, attributes = 0x20, caseFlags = 0, cluster = 0, size = 0, times = {} }: EntryFields) {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(name, 'latin1'));
  bytes.set([attributes, caseFlags, times.hundredths ?? 0], 11);
  const words = [times.ctime ?? 0, times.cdate ?? 0, times.adate ?? 0, cluster >>> 16];
  for (const [index, word] of [...words, times.time ?? 0, times.date ?? 0, cluster & 0xffff].entries()) {
    view.setUint16(14 + index * 2, word, true);
  }
  view.setUint32(28, size, true);
  return bytes;
}

/** The slots of a long name in the order they are written, for an entry with a name of eleven bytes. */
export function longSlots(units: string | readonly number[], shortName: string): Uint8Array[] {
  const all = typeof units === 'string' ? [...Buffer.from(units, 'utf16le').values()] : bytesOf(units);
  const count = Math.ceil(all.length / 26);
  const padded = Buffer.alloc(count * 26, 0xff);
  padded.set(all);
  if (all.length % 26 !== 0) padded.writeUInt16LE(0, all.length);
  const slots = Array.from({ length: count }, (_, index) => {
    const part = padded.subarray(index * 26, index * 26 + 26);
    const number = index + 1 === count ? 0x40 | count : index + 1;
    return Uint8Array.from([
      number,
      ...part.subarray(0, 10),
      0x0f,
      0,
      checksum(shortName),
      ...part.subarray(10, 22),
      0,
      0,
      ...part.subarray(22),
    ]);
  });
  return slots.reverse();
}

function bytesOf(units: readonly number[]): number[] {
  return units.flatMap((unit) => [unit & 0xff, unit >> 8]);
}

function checksum(shortName: string): number {
  return [...Buffer.from(shortName, 'latin1')].reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}
