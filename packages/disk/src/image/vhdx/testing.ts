import { crc32c } from '../../crc32c.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { OverlaySource } from '../../source/overlay-source.ts';
import { CHECKSUM_AT, ITEM, LOCATOR_TYPE_VHDX, LOG_SECTOR, MIB, REGION } from './layout.ts';

// Builds VHDX images by hand, for what no tool at hand writes: logs to replay, differencing disks, sectors of 4096 bytes. A
// file is the pieces of it that are not zero, so that thousands can be made.

export const LOG_AT = MIB;
export const BAT_AT = 2 * MIB;
export const METADATA_AT = 3 * MIB;
export const BLOCKS_AT_MIB = 4;

export interface VhdxRecipe {
  readonly sizeBytes?: number;
  readonly blockSize?: number;
  readonly sectorSize?: number;
  readonly dataWriteGuid?: number;
  /** Index in the BAT → state, and where the block is. */
  readonly bat?: ReadonlyMap<number, readonly [state: number, mib: number]>;
  /** Where a block is → how it begins. */
  readonly blocks?: ReadonlyMap<number, Buffer>;
  readonly parent?: Readonly<Record<string, string>>;
  readonly log?: readonly LogEntryRecipe[];
  readonly fileMib?: number;
}

export interface LogEntryRecipe {
  /** Sector of the log. */
  readonly at: number;
  readonly sequence: number;
  /** Sector of the log; `at` when left out. */
  readonly tail?: number;
  readonly flushedMib?: number;
  readonly lastMib?: number;
  readonly writes: readonly LogWrite[];
}

/** A sector of data, or a number of bytes that become zero. */
export interface LogWrite {
  readonly offset: number;
  readonly content: Buffer | number;
}

export class VhdxFile {
  readonly pieces: Map<number, Buffer>;
  readonly sizeBytes: number;

  constructor(pieces: ReadonlyMap<number, Buffer>, sizeBytes: number) {
    this.pieces = new Map(pieces);
    this.sizeBytes = sizeBytes;
  }

  get source(): ByteSource {
    const writes = [...this.pieces].map(([start, bytes]) => ({ start, end: start + bytes.length, bytes }));
    return new OverlaySource(new MemorySource(new Uint8Array(0)), writes, this.sizeBytes);
  }

  /** With some bytes of a piece changed, and the checksum of what they are in made right. */
  edited(edit: (piece: Buffer) => void, start: number): VhdxFile {
    const piece = Buffer.from(this.pieces.get(start) ?? Buffer.alloc(0));
    edit(piece);
    return this.with(start, sealAll(piece, start));
  }

  with(start: number, piece: Buffer): VhdxFile {
    return new VhdxFile(new Map([...this.pieces, [start, piece]]), this.sizeBytes);
  }

  cut(sizeBytes: number): VhdxFile {
    const pieces = [...this.pieces].flatMap(([start, bytes]): [number, Buffer][] =>
      start < sizeBytes ? [[start, bytes.subarray(0, sizeBytes - start)]] : [],
    );
    return new VhdxFile(new Map(pieces), sizeBytes);
  }
}

export const HEADERS = { first: 0x10000, second: 0x20000, regions: 0x30000, moreRegions: 0x40000 } as const;

export function buildVhdx(recipe: VhdxRecipe = {}): VhdxFile {
  const { blocks = new Map<number, Buffer>(), log = [], fileMib = 8 } = recipe;
  const identifier = Buffer.alloc(520);
  identifier.write('vhdxfile');
  identifier.write('guestkit tests', 8, 'utf16le');
  const pieces = new Map<number, Buffer>([
    [0, identifier],
    [HEADERS.first, header(recipe, 4)],
    [HEADERS.second, header(recipe, 5)],
    [HEADERS.regions, regionTable()],
    [HEADERS.moreRegions, regionTable()],
    [BAT_AT, batOf(recipe)],
    [METADATA_AT, metadataOf(recipe)],
    ...[...blocks].map(([mib, bytes]): [number, Buffer] => [mib * MIB, bytes]),
  ]);
  if (log.length > 0) pieces.set(LOG_AT, logOf(log, fileMib));
  return new VhdxFile(pieces, fileMib * MIB);
}

function header({ dataWriteGuid = 1, log = [] }: VhdxRecipe, sequence: number): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.write('head');
  bytes.writeUInt32LE(sequence, 8);
  bytes.fill(0xf1, 16, 32);
  bytes.fill(dataWriteGuid, 32, 48);
  if (log.length > 0) bytes.fill(LOG_GUID, 48, 64);
  bytes.writeUInt16LE(1, 66);
  bytes.writeUInt32LE(MIB, 68);
  bytes.writeUInt32LE(LOG_AT, 72);
  return seal(bytes);
}

export const LOG_GUID = 0x77;

function regionTable(): Buffer {
  const bytes = Buffer.alloc(65_536);
  bytes.write('regi');
  bytes.writeUInt32LE(2, 8);
  const write = (at: number, guid: string, offset: number) => {
    guidBytes(guid).copy(bytes, at);
    bytes.writeUInt32LE(offset, at + 16);
    bytes.writeUInt32LE(MIB, at + 24);
    bytes.writeUInt32LE(1, at + 28);
  };
  write(16, REGION.bat, BAT_AT);
  write(48, REGION.metadata, METADATA_AT);
  return seal(bytes);
}

export function batOf({ bat = new Map() }: VhdxRecipe): Buffer {
  const bytes = Buffer.alloc(5000 * 8);
  for (const [index, [state, mib]] of bat) bytes.writeBigUInt64LE(BigInt(mib) * BigInt(MIB) + BigInt(state), index * 8);
  return bytes;
}

function metadataOf(recipe: VhdxRecipe): Buffer {
  const { sizeBytes = 4 * MIB, blockSize = MIB, sectorSize = 512, parent } = recipe;
  const bytes = Buffer.alloc(65_536 + 4096);
  bytes.write('metadata');
  let count = 0;
  let at = 65_536;
  const add = (guid: string, item: Buffer) => {
    const entry = 32 + count++ * 32;
    guidBytes(guid).copy(bytes, entry);
    bytes.writeUInt32LE(at, entry + 16);
    bytes.writeUInt32LE(item.length, entry + 20);
    bytes.writeUInt32LE(4, entry + 24);
    item.copy(bytes, at);
    at += item.length;
  };
  add(ITEM.fileParameters, words(blockSize, parent === undefined ? 0 : 2));
  add(ITEM.virtualDiskSize, words(sizeBytes % 2 ** 32, Math.floor(sizeBytes / 2 ** 32)));
  add(ITEM.logicalSectorSize, words(sectorSize));
  add(ITEM.physicalSectorSize, words(4096));
  add(ITEM.virtualDiskId, Buffer.alloc(16, 0x1d));
  if (parent !== undefined) add(ITEM.parentLocator, locator(parent));
  bytes.writeUInt16LE(count, 10);
  return bytes;
}

/** Where an item is, in the metadata piece; in the order they are written in. */
export const ITEM_AT = { blockSize: 65_536, flags: 65_540, size: 65_544, sectorSize: 65_552, parent: 65_576 } as const;

function locator(parent: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(parent);
  const head = Buffer.alloc(20 + entries.length * 12);
  guidBytes(LOCATOR_TYPE_VHDX).copy(head);
  head.writeUInt16LE(entries.length, 18);
  const texts: Buffer[] = [];
  let at = head.length;
  const add = (text: string, offsetAt: number, lengthAt: number) => {
    const bytes = Buffer.from(text, 'utf16le');
    head.writeUInt32LE(at, offsetAt);
    head.writeUInt16LE(bytes.length, lengthAt);
    texts.push(bytes);
    at += bytes.length;
  };
  for (const [index, [key, value]] of entries.entries()) {
    const entry = 20 + index * 12;
    add(key, entry, entry + 8);
    add(value, entry + 4, entry + 10);
  }
  return Buffer.concat([head, ...texts]);
}

/** A log of 1 MiB with entries in it, round its end where they reach over it. */
export function logOf(entries: readonly LogEntryRecipe[], fileMib: number): Buffer {
  const log = Buffer.alloc(MIB);
  for (const entry of entries) {
    const bytes = logEntry(entry, fileMib);
    for (let at = 0; at < bytes.length; at += LOG_SECTOR) {
      bytes.copy(log, (entry.at * LOG_SECTOR + at) % MIB, at, at + LOG_SECTOR);
    }
  }
  return log;
}

/** How many sectors the descriptors of an entry take. */
const descriptorSectors = (count: number) => Math.ceil((64 + count * 32) / LOG_SECTOR);

function logEntry({ at, sequence, tail = at, flushedMib, lastMib, writes }: LogEntryRecipe, fileMib: number): Buffer {
  const sectors = writes.flatMap(({ content }) => (typeof content === 'number' ? [] : [content]));
  const bytes = Buffer.alloc((descriptorSectors(writes.length) + sectors.length) * LOG_SECTOR);
  bytes.write('loge');
  bytes.writeUInt32LE(bytes.length, 8);
  bytes.writeUInt32LE(tail * LOG_SECTOR, 12);
  bytes.writeUInt32LE(sequence, 16);
  bytes.writeUInt32LE(writes.length, 24);
  bytes.fill(LOG_GUID, 32, 48);
  bytes.writeUInt32LE((flushedMib ?? fileMib) * MIB, 48);
  bytes.writeUInt32LE((lastMib ?? fileMib) * MIB, 56);
  for (const [index, write] of writes.entries()) writeDescriptor(bytes, 64 + index * 32, write, sequence);
  for (const [index, content] of sectors.entries()) {
    const start = (descriptorSectors(writes.length) + index) * LOG_SECTOR;
    content.copy(bytes, start);
    bytes.write('data', start);
    bytes.writeUInt32LE(0, start + 4);
    bytes.writeUInt32LE(sequence, start + LOG_SECTOR - 4);
  }
  return seal(bytes);
}

function writeDescriptor(bytes: Buffer, at: number, { offset, content }: LogWrite, sequence: number): void {
  if (typeof content === 'number') {
    bytes.write('zero', at);
    bytes.writeBigUInt64LE(BigInt(content), at + 8);
  } else {
    bytes.write('desc', at);
    content.copy(bytes, at + 4, LOG_SECTOR - 4);
    content.copy(bytes, at + 8, 0, 8);
  }
  bytes.writeBigUInt64LE(BigInt(offset), at + 16);
  bytes.writeUInt32LE(sequence, at + 24);
}

/** Makes the checksum of a header, region table or log entry right. */
export function seal(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(0, CHECKSUM_AT);
  bytes.writeUInt32LE(~crc32c(0xffffffff, bytes) >>> 0, CHECKSUM_AT);
  return bytes;
}

/** Does so for all that a piece holds. */
export function sealAll(piece: Buffer, start: number): Buffer {
  if (start >= HEADERS.first && start <= HEADERS.moreRegions) return seal(piece);
  if (start !== LOG_AT) return piece;
  for (let at = 0; at < piece.length; at += LOG_SECTOR) {
    const length = piece.readUInt32LE(at + 8);
    // those that wrap round the end are left as they are
    if (piece.toString('latin1', at, at + 4) === 'loge' && length % LOG_SECTOR === 0 && at + length <= piece.length) {
      if (length > 0) seal(piece.subarray(at, at + length));
    }
  }
  return piece;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

/** As Microsoft stores a GUID. */
export function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
