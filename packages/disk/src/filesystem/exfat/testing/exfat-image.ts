import { MemorySource } from '../../../source/memory-source.ts';
import type { FileSystem } from '../../file-system.ts';
import { openExfat } from '../open.ts';

const SECTOR = 512;
export const CLUSTER = 1024;
const CLUSTERS = 1000;
const TABLE_OFFSET = 24 * SECTOR;
const TABLE_SECTORS = 8;
const DATA_OFFSET = 48 * SECTOR;
const END = 0xffffffff;
const BITMAP_CLUSTER = 2;
const UPCASE_CLUSTER = 3;
export const ROOT_CLUSTER = 4;

export const FOLDER = 0x10;

export interface SetFields {
  readonly name: string | readonly number[];
  readonly attributes?: number;
  readonly cluster?: number;
  readonly size?: number;
  readonly validSize?: number;
  /** The content is in one row, and its clusters are not linked. */
  readonly isRow?: boolean;
  readonly times?: Readonly<Partial<Record<'modified' | 'created' | 'accessed', ExfatTime>>>;
  /** Entries behind the name. */
  readonly others?: readonly Uint8Array[];
}

export interface ExfatTime {
  readonly date: number;
  readonly time: number;
  readonly hundredths?: number;
  readonly zone?: number;
}

/** An exFAT volume made by hand, with clusters of 1 KiB, to be filled with whatever a test is about. */
export class ExfatImage {
  readonly bytes = new Uint8Array(DATA_OFFSET + CLUSTERS * CLUSTER);
  readonly #view = new DataView(this.bytes.buffer);

  constructor() {
    this.#writeBootSector();
    this.link(0, 0xfffffff8);
    this.link(1, END);
    const upcase = upcaseTable();
    this.put(UPCASE_CLUSTER, upcase);
    for (const cluster of [BITMAP_CLUSTER, UPCASE_CLUSTER, ROOT_CLUSTER]) this.chain(cluster);
    const bitmapEntry = rootEntry(0x81, 0, BITMAP_CLUSTER, CLUSTERS / 8);
    this.fill(ROOT_CLUSTER, bitmapEntry, rootEntry(0x82, checksum32(upcase), UPCASE_CLUSTER, upcase.length));
  }

  set8(offset: number, value: number): void {
    this.bytes[offset] = value;
  }

  set32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  set64(offset: number, value: number): void {
    this.#view.setBigUint64(offset, BigInt(value), true);
  }

  put(cluster: number, content: Uint8Array): void {
    this.bytes.set(content, this.offsetOf(cluster));
  }

  link(cluster: number, value: number): void {
    this.set32(this.linkOf(cluster), value);
  }

  linkOf(cluster: number): number {
    return TABLE_OFFSET + cluster * 4;
  }

  /** Links clusters to a chain that ends, and marks them as taken. */
  chain(...clusters: readonly number[]): void {
    for (const [index, cluster] of clusters.entries()) this.link(cluster, clusters[index + 1] ?? END);
    this.take(...clusters);
  }

  take(...clusters: readonly number[]): void {
    for (const cluster of clusters) {
      const offset = this.offsetOf(BITMAP_CLUSTER) + ((cluster - 2) >> 3);
      this.bytes[offset] = (this.bytes[offset] as number) | (1 << ((cluster - 2) & 7));
    }
  }

  offsetOf(cluster: number): number {
    return DATA_OFFSET + (cluster - 2) * CLUSTER;
  }

  /** Writes entries behind those that are in a cluster already. */
  fill(cluster: number, ...entries: readonly Uint8Array[]): this {
    let offset = this.offsetOf(cluster);
    while (this.bytes[offset] !== 0) offset += 32;
    for (const entry of entries) {
      this.bytes.set(entry, offset);
      offset += entry.length;
    }
    return this;
  }

  /** Where a set begins that was filled into the root, by its number there. */
  rootSlot(index: number): number {
    return this.offsetOf(ROOT_CLUSTER) + (2 + index) * 32;
  }

  /** The bytes, with the checksum that they should have. */
  sealed(): Uint8Array {
    const sum = checksum32(this.bytes.subarray(0, 11 * SECTOR), new Set([106, 107, 112]));
    for (let offset = 11 * SECTOR; offset < 12 * SECTOR; offset += 4) this.set32(offset, sum);
    this.bytes.copyWithin(12 * SECTOR, 0, 12 * SECTOR);
    return this.bytes;
  }

  open(): FileSystem {
    return openExfat(new MemorySource(this.sealed()));
  }

  #writeBootSector(): void {
    this.bytes.set([0xeb, 0x76, 0x90, ...Buffer.from('EXFAT   ')]);
    this.set64(72, this.bytes.length / SECTOR);
    this.set32(80, TABLE_OFFSET / SECTOR);
    this.set32(84, TABLE_SECTORS);
    this.set32(88, DATA_OFFSET / SECTOR);
    this.set32(92, CLUSTERS);
    this.set32(96, ROOT_CLUSTER);
    this.set32(100, 0x12ab34cd);
    this.bytes.set([0, 1, 0, 0, 9, 1, 1, 0x80, 0xff], 104);
    for (let sector = 0; sector < 9; sector++) this.bytes.set([0x55, 0xaa], sector * SECTOR + 510);
  }
}

/** The entries of a file: itself, its stream, the pieces of its name, and others. */
export function entrySet(fields: SetFields): Uint8Array {
  const units = typeof fields.name === 'string' ? unitsOf(fields.name) : fields.name;
  const pieces = Array.from({ length: Math.ceil(units.length / 15) }, (_, index) => namePiece(units, index));
  const parts = [streamEntry(fields, units), ...pieces, ...(fields.others ?? [])];
  const set = new Uint8Array(Buffer.concat([fileEntry(fields, parts.length), ...parts]));
  new DataView(set.buffer).setUint16(2, setChecksum(set), true);
  return set;
}

export function setChecksum(set: Uint8Array): number {
  let sum = 0;
  for (const [index, byte] of set.entries()) {
    if (index !== 2 && index !== 3) sum = (((sum << 15) | (sum >> 1)) + byte) & 0xffff;
  }
  return sum;
}

function fileEntry({ attributes = 0x20, times = {} }: SetFields, secondaries: number): Uint8Array {
  const entry = new Uint8Array(32);
  const view = new DataView(entry.buffer);
  entry.set([0x85, secondaries]);
  view.setUint16(4, attributes, true);
  for (const [index, time] of [times.created, times.modified, times.accessed].entries()) {
    view.setUint16(8 + index * 4, time?.time ?? 0, true);
    view.setUint16(10 + index * 4, time?.date ?? 0x21, true);
    if (index < 2) entry[20 + index] = time?.hundredths ?? 0;
    entry[22 + index] = time?.zone ?? 0;
  }
  return entry;
}

function streamEntry({ cluster = 0, size = 0, validSize = size, isRow = false }: SetFields, units: readonly number[]) {
  const entry = new Uint8Array(32);
  const view = new DataView(entry.buffer);
  entry.set([0xc0, isRow ? 3 : 1, 0, units.length]);
  view.setUint16(4, nameHash(units), true);
  view.setBigUint64(8, BigInt(validSize), true);
  view.setUint32(20, cluster, true);
  view.setBigUint64(24, BigInt(size), true);
  return entry;
}

function namePiece(units: readonly number[], index: number): Uint8Array {
  const entry = new Uint8Array(32);
  entry[0] = 0xc1;
  const view = new DataView(entry.buffer);
  for (const [at, unit] of units.slice(index * 15, index * 15 + 15).entries()) view.setUint16(2 + at * 2, unit, true);
  return entry;
}

function rootEntry(type: number, checksum: number, cluster: number, size: number): Uint8Array {
  const entry = new Uint8Array(32);
  const view = new DataView(entry.buffer);
  entry[0] = type;
  view.setUint32(4, checksum, true);
  view.setUint32(20, cluster, true);
  view.setBigUint64(24, BigInt(size), true);
  return entry;
}

function nameHash(units: readonly number[]): number {
  const capitals = units.map((unit) => ((unit >= 0x61 && unit <= 0x7a) || unit === 0xfc ? unit - 0x20 : unit));
  const bytes = capitals.flatMap((unit) => [unit & 0xff, unit >> 8]);
  return bytes.reduce((sum, byte) => (((sum << 15) | (sum >> 1)) + byte) & 0xffff, 0);
}

/** `a` to `z` and `ü` have capitals, all else is left as it is. */
function upcaseTable(): Uint8Array {
  const letters = Array.from({ length: 26 }, (_, index) => 0x41 + index);
  const words = [0xffff, 0x61, ...letters, 0xffff, 0xfc - 0x7b, 0xdc, 0xffff, 0x10000 - 0xfd];
  return new Uint8Array(Uint16Array.from(words).buffer);
}

function checksum32(bytes: Uint8Array, leftOut: ReadonlySet<number> = new Set()): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) {
    if (!leftOut.has(index)) sum = ((sum % 2) * 2 ** 31 + Math.floor(sum / 2) + byte) % 2 ** 32;
  }
  return sum;
}

function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}
