import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { TableReader } from '../table-reader.ts';
import { corrupt, unsupported } from './error.ts';
import type { VmdkExtent } from './extent.ts';
import { checkNoneTwice } from './grain-directory.ts';
import type { GrainPlace, GrainTable } from './grain-table.ts';
import {
  LIMIT,
  MAGIC,
  SE_SPARSE_ENTRY,
  SE_SPARSE_GRAIN_SECTORS,
  SE_SPARSE_HEADER,
  SE_SPARSE_TABLE_IN_USE,
  SE_SPARSE_TABLE_SECTORS,
  SE_SPARSE_VERSION,
  SE_SPARSE_VOLATILE_HEADER,
  SE_SPARSE_VOLATILE_MAGIC,
  SECTOR_SIZE,
} from './layout.ts';
import { SparseExtent } from './sparse-extent.ts';

type Header = Fields<typeof SE_SPARSE_HEADER>;

const GRAIN_BYTES = SE_SPARSE_GRAIN_SECTORS * SECTOR_SIZE;
const TABLE_BYTES = SE_SPARSE_TABLE_SECTORS * SECTOR_SIZE;
const TABLE_ENTRIES = TABLE_BYTES / 8;

/** Opens a space-efficient sparse extent: what ESXi writes snapshots of large disks into. */
export function openSeSparseExtent(source: ByteSource, cacheBytes: number): VmdkExtent {
  const bytes = source.read(0, Math.min(source.sizeBytes, SECTOR_SIZE));
  const header = readFields(bytes, SE_SPARSE_HEADER, { format: 'vmdk', offset: 0 });
  checkKind(header);
  checkPlaces(header, source.sizeBytes);
  checkClosed(source, header.volatile_header_offset * SECTOR_SIZE);
  return new SparseExtent({
    source,
    sizeBytes: header.capacity * SECTOR_SIZE,
    grainBytes: GRAIN_BYTES,
    grains: new SeSparseGrains(source, header, cacheBytes),
    warnings: [],
  });
}

// as strict as qemu: the format is known from images only
function checkKind(header: Header): void {
  const { magic, version, flags, grain_size, grain_table_size } = header;
  if (magic !== BigInt(MAGIC.seSparse)) throw corrupt('seSparse header', `it starts with ${hex(magic)}`, 0);
  if (version !== SE_SPARSE_VERSION) {
    throw unsupported('seSparse header', `version is ${hex(version)}, expected ${hex(SE_SPARSE_VERSION)}`, 8);
  }
  if (grain_size !== SE_SPARSE_GRAIN_SECTORS) {
    throw unsupported('seSparse header', `a grain has ${grain_size} sectors, expected ${SE_SPARSE_GRAIN_SECTORS}`, 24);
  }
  if (grain_table_size !== SE_SPARSE_TABLE_SECTORS) {
    const state = `a grain table has ${grain_table_size} sectors, expected ${SE_SPARSE_TABLE_SECTORS}`;
    throw unsupported('seSparse header', state, 32);
  }
  if (flags !== 0n) throw unsupported('seSparse header', `flags are ${hex(flags)}, expected none`, 40);
}

function checkPlaces({ capacity, grain_dir_offset, grain_dir_size }: Header, fileSize: number): void {
  if (capacity === 0 || capacity > LIMIT.virtualSectors) {
    throw corrupt('seSparse header', `capacity is ${hex(capacity)}, expected 1 to ${hex(LIMIT.virtualSectors)}`, 16);
  }
  const needed = Math.ceil(capacity / (SE_SPARSE_GRAIN_SECTORS * TABLE_ENTRIES));
  const entries = (grain_dir_size * SECTOR_SIZE) / 8;
  if (entries < needed) {
    throw corrupt('seSparse header', `grain directory has ${entries} entries, expected ${needed}`, 136);
  }
  if (grain_dir_offset === 0 || grain_dir_offset * SECTOR_SIZE + needed * 8 > fileSize) {
    const state = `grain directory is at ${hex(grain_dir_offset * SECTOR_SIZE)}, expected it in the file`;
    throw corrupt('seSparse header', state, 128);
  }
}

/** What is only in the journal is newer than the tables: to read without it would give old content. */
function checkClosed(source: ByteSource, offset: number): void {
  if (offset === 0 || offset + SECTOR_SIZE > source.sizeBytes) {
    throw corrupt('seSparse header', `volatile header is at ${hex(offset)}, expected it in the file`, 80);
  }
  const { magic, replay_journal } = readFields(source.read(offset, SECTOR_SIZE), SE_SPARSE_VOLATILE_HEADER);
  if (magic !== SE_SPARSE_VOLATILE_MAGIC)
    throw corrupt('seSparse volatile header', `it starts with ${hex(magic)}`, offset);
  if (replay_journal !== 0n) {
    throw unsupported(
      'seSparse extent',
      'its journal was not replayed, expected an extent that was closed',
      offset + 24,
    );
  }
}

/** Where each grain table is in the file, 0 where there is none: at most 32 MiB of entries. */
function readTables(source: ByteSource, header: Header): Float64Array {
  const start = header.grain_dir_offset * SECTOR_SIZE;
  const tables = new Float64Array(Math.ceil(header.capacity / (SE_SPARSE_GRAIN_SECTORS * TABLE_ENTRIES)));
  const bytes = source.read(start, tables.length * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < tables.length; index++) {
    const number = view.getUint32(index * 8, true);
    const type = view.getUint32(index * 8 + 4, true);
    if (number === 0 && type === 0) continue;
    const at = start + index * 8;
    if (type !== SE_SPARSE_TABLE_IN_USE) throw corrupt('grain directory', `entry has the type ${hex(type)}`, at);
    tables[index] = checkTable(header.grain_tables_offset * SECTOR_SIZE + number * TABLE_BYTES, source.sizeBytes, at);
  }
  checkNoneTwice(tables, start);
  return tables;
}

function checkTable(table: number, fileSize: number, at: number): number {
  if (table > 0 && table + TABLE_BYTES <= fileSize) return table;
  throw corrupt('grain directory', `grain table is at ${hex(table)}, past the end at ${hex(fileSize)}`, at);
}

class SeSparseGrains implements GrainTable {
  readonly #tables: Float64Array;
  readonly #grainsOffset: number;
  readonly #fileSize: number;
  readonly #reader: TableReader;

  constructor(source: ByteSource, header: Header, cacheBytes: number) {
    this.#tables = readTables(source, header);
    this.#grainsOffset = header.grains_offset * SECTOR_SIZE;
    this.#fileSize = source.sizeBytes;
    this.#reader = new TableReader(source, 0, source.sizeBytes, cacheBytes);
  }

  find(grain: number): GrainPlace {
    const index = Math.floor(grain / TABLE_ENTRIES);
    const table = this.#tables[index] ?? 0;
    if (table === 0) return { kind: 'absent', count: (index + 1) * TABLE_ENTRIES - grain };
    return this.#entry(table / 8 + (grain % TABLE_ENTRIES), (table + TABLE_BYTES) / 8);
  }

  /** @param index of the entry, in units of entries from the start of the file */
  #entry(index: number, end: number): GrainPlace {
    const { low, high } = this.#reader.words64(index);
    const type = high >>> 28;
    if (type === SE_SPARSE_ENTRY.absent && high === 0 && low === 0) {
      return { kind: 'absent', count: this.#reader.repeats(index, end, 8) };
    }
    // what the guest discarded does not fall to the parent
    if (type === SE_SPARSE_ENTRY.unmapped || type === SE_SPARSE_ENTRY.zero) return { kind: 'zero', count: 1 };
    if (type !== SE_SPARSE_ENTRY.stored) throw corrupt('grain table', `entry is ${hex(high)} ${hex(low)}`, index * 8);
    // the highest 12 of the 60 bits are the lowest of the number
    const number = ((high & 0xffff) * 2 ** 32 + low) * 2 ** 12 + ((high >>> 16) & 0xfff);
    const offset = this.#grainsOffset + number * GRAIN_BYTES;
    if (offset > 0 && offset < this.#fileSize) return { kind: 'stored', offset };
    throw corrupt('grain table', `grain is at ${hex(offset)}, past the end at ${hex(this.#fileSize)}`, index * 8);
  }
}
