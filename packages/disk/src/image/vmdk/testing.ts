import { deflateSync } from 'node:zlib';
import type { Layout } from '../../fields.ts';
import {
  COWD_HEADER,
  COWD_TABLE_ENTRIES,
  DIRECTORY_IN_FOOTER,
  HOSTED_FLAG,
  HOSTED_HEADER,
  MAGIC,
  MARKER,
  MARKER_TYPE,
  SE_SPARSE_HEADER,
  SE_SPARSE_VERSION,
  SE_SPARSE_VOLATILE_HEADER,
  SE_SPARSE_VOLATILE_MAGIC,
  SECTOR_SIZE,
} from './layout.ts';

// What VMware writes and qemu-img does not: streams with a footer, COWD and seSparse extents, descriptors of all kinds.

export interface DescriptorDraft {
  readonly createType?: string;
  readonly cid?: string;
  readonly parentCid?: string;
  readonly parentName?: string;
  readonly extents?: readonly string[];
  readonly more?: readonly string[];
}

export function descriptor(draft: DescriptorDraft = {}): Buffer {
  const lines = [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${draft.cid ?? '12345678'}`,
    `parentCID=${draft.parentCid ?? 'ffffffff'}`,
    ...(draft.parentName === undefined ? [] : [`parentFileNameHint="${draft.parentName}"`]),
    `createType="${draft.createType ?? 'vmfs'}"`,
    '',
    '# Extent description',
    ...(draft.extents ?? []),
    '',
    '# The Disk Data Base',
    '#DDB',
    'ddb.adapterType = "lsilogic"',
    'ddb.virtualHWVersion = "21"',
    ...(draft.more ?? []),
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** Grains by their number. */
export type Grains = Readonly<Record<number, Uint8Array>>;

/** The disk that grains make up. */
export function diskOf(grains: Grains, grainBytes: number, sizeBytes: number): Buffer {
  const disk = Buffer.alloc(Math.ceil(sizeBytes / grainBytes) * grainBytes);
  for (const [grain, content] of Object.entries(grains)) disk.set(content, Number(grain) * grainBytes);
  return disk.subarray(0, sizeBytes);
}

export const STREAM_GRAIN_SECTORS = 16;
const STREAM_TABLE_ENTRIES = 512;
const STREAM_OVERHEAD = 4;

/** A stream as VMware sends it: compressed grains, their tables after them, and a footer that says where the directory is. */
export function stream(grains: Grains, capacity: number): Buffer {
  const parts: Buffer[] = [];
  const sectors = () => STREAM_OVERHEAD + parts.reduce((sum, part) => sum + part.length, 0) / SECTOR_SIZE;
  const tables = Math.ceil(capacity / (STREAM_GRAIN_SECTORS * STREAM_TABLE_ENTRIES));
  const table = Buffer.alloc(tables * STREAM_TABLE_ENTRIES * 4);
  for (const [grain, content] of Object.entries(grains)) {
    table.writeUInt32LE(sectors(), Number(grain) * 4);
    const stored = deflateSync(content);
    const marker = Buffer.alloc(12);
    marker.writeBigUInt64LE(BigInt(Number(grain) * STREAM_GRAIN_SECTORS));
    marker.writeUInt32LE(stored.length, 8);
    parts.push(padded(Buffer.concat([marker, stored])));
  }
  const directory = Buffer.alloc(tables * 4);
  for (let index = 0; index < tables; index++) {
    parts.push(metadataMarker(MARKER_TYPE.grainTable, 4));
    directory.writeUInt32LE(sectors(), index * 4);
    parts.push(table.subarray(index * 2048, (index + 1) * 2048));
  }
  parts.push(metadataMarker(MARKER_TYPE.grainDirectory, 1));
  const directoryAt = sectors();
  const text = padded(descriptor({ createType: 'streamOptimized', extents: [`RW ${capacity} SPARSE "disk.vmdk"`] }));
  const head = Buffer.alloc(STREAM_OVERHEAD * SECTOR_SIZE);
  head.set(streamHeader(capacity, DIRECTORY_IN_FOOTER));
  head.set(text, SECTOR_SIZE);
  const end = metadataMarker(MARKER_TYPE.endOfStream, 0);
  const footer = [metadataMarker(MARKER_TYPE.footer, 1), streamHeader(capacity, BigInt(directoryAt)), end];
  return Buffer.concat([head, ...parts, padded(directory), ...footer]);
}

function streamHeader(capacity: number, directory: bigint): Buffer {
  const bytes = fill(HOSTED_HEADER, {
    magicNumber: MAGIC.hosted,
    version: 3,
    flags: HOSTED_FLAG.newLineTest + HOSTED_FLAG.compressed + HOSTED_FLAG.markers,
    capacity,
    grainSize: STREAM_GRAIN_SECTORS,
    descriptorOffset: 1,
    descriptorSize: 2,
    numGTEsPerGT: STREAM_TABLE_ENTRIES,
    gdOffset: directory,
    overHead: STREAM_OVERHEAD,
    compressAlgorithm: 1,
  });
  bytes.write('\n \r\n', 73);
  return bytes;
}

function metadataMarker(type: number, sectors: number): Buffer {
  return fill(MARKER, { val: sectors, type });
}

/** A VMFS sparse extent, grains of one sector. */
export function cowd(grains: Grains, numSectors: number): Buffer {
  const entries = Math.ceil(numSectors / COWD_TABLE_ENTRIES);
  const tableSectors = (COWD_TABLE_ENTRIES * 4) / SECTOR_SIZE;
  const directoryAt = 4;
  const firstTable = directoryAt + 1;
  const firstGrain = firstTable + entries * tableSectors;
  const bytes = Buffer.alloc((firstGrain + Object.keys(grains).length) * SECTOR_SIZE);
  const fields = { magicNumber: MAGIC.cowd, version: 1, flags: 3, numSectors, grainSize: 1, gdOffset: directoryAt };
  bytes.set(fill(COWD_HEADER, { ...fields, numGDEntries: entries, freeSector: bytes.length / SECTOR_SIZE }));
  for (let index = 0; index < entries; index++) {
    bytes.writeUInt32LE(firstTable + index * tableSectors, directoryAt * SECTOR_SIZE + index * 4);
  }
  for (const [index, [grain, content]] of Object.entries(grains).entries()) {
    bytes.writeUInt32LE(firstGrain + index, firstTable * SECTOR_SIZE + Number(grain) * 4);
    bytes.set(content, (firstGrain + index) * SECTOR_SIZE);
  }
  return bytes;
}

export const SE_GRAIN_BYTES = 4096;
/** Where the parts of a seSparse extent are, in sectors. */
export const SE_PLACE = { volatile: 1, directory: 2, tables: 3 } as const;

/** A space-efficient sparse extent; a number in place of a grain is the type of an entry that stores nothing. */
export function seSparse(grains: Readonly<Record<number, Uint8Array | number>>, capacity: number): Buffer {
  const tables = Math.ceil(capacity / (8 * 4096));
  const firstGrain = Math.ceil((SE_PLACE.tables + tables * 64) / 8) * 8;
  const stored = Object.values(grains).filter((content) => typeof content !== 'number');
  const bytes = Buffer.alloc(firstGrain * SECTOR_SIZE + stored.length * SE_GRAIN_BYTES);
  const places = { grain_dir_offset: SE_PLACE.directory, grain_dir_size: 1, grain_tables_offset: SE_PLACE.tables };
  bytes.set(
    fill(SE_SPARSE_HEADER, {
      magic: BigInt(MAGIC.seSparse),
      version: SE_SPARSE_VERSION,
      capacity,
      grain_size: 8,
      grain_table_size: 64,
      volatile_header_offset: SE_PLACE.volatile,
      ...places,
      grain_tables_size: tables * 64,
      grains_offset: firstGrain,
      grains_size: stored.length * 8,
    }),
  );
  bytes.set(fill(SE_SPARSE_VOLATILE_HEADER, { magic: SE_SPARSE_VOLATILE_MAGIC }), SE_PLACE.volatile * SECTOR_SIZE);
  for (let index = 0; index < tables; index++) {
    // the tables last one first, so that their numbers matter
    const entry = (1n << 60n) + BigInt(tables - 1 - index);
    bytes.writeBigUInt64LE(entry, SE_PLACE.directory * SECTOR_SIZE + index * 8);
  }
  for (const [key, content] of Object.entries(grains)) {
    const grain = Number(key);
    const table = tables - 1 - Math.floor(grain / 4096);
    const at = (SE_PLACE.tables + table * 64) * SECTOR_SIZE + (grain % 4096) * 8;
    const number = typeof content === 'number' ? 0 : stored.indexOf(content);
    const type = typeof content === 'number' ? content : 3;
    // the lowest 12 bits of the number come first
    const entry = (BigInt(type) << 60n) | (BigInt(number % 4096) << 48n) | BigInt(Math.floor(number / 4096));
    bytes.writeBigUInt64LE(entry, at);
    if (typeof content !== 'number') bytes.set(content, firstGrain * SECTOR_SIZE + number * SE_GRAIN_BYTES);
  }
  return bytes;
}

/** A sector with the fields of a layout. */
function fill<L extends Layout>(layout: L, values: { readonly [Name in keyof L]?: number | bigint }): Buffer {
  const bytes = Buffer.alloc(SECTOR_SIZE);
  for (const [name, [offset, type]] of Object.entries(layout)) {
    const value = values[name] ?? 0;
    if (type === 'u8') bytes.writeUInt8(Number(value), offset);
    else if (type === 'u16') bytes.writeUInt16LE(Number(value), offset);
    else if (type === 'u32') bytes.writeUInt32LE(Number(value), offset);
    else bytes.writeBigUInt64LE(BigInt(value), offset);
  }
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (SECTOR_SIZE - 1))]);
}
