import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { LIMIT, SECTOR_SIZE } from './layout.ts';

export interface DirectoryPlace {
  /** Of the file. */
  readonly offset: number;
  readonly entries: number;
  readonly tableBytes: number;
  /** Where a second directory of second tables is. */
  readonly copyOffset: number | undefined;
}

/** The sector of each grain table, 0 where there is none; every one lies within the file. */
export interface GrainDirectory {
  readonly tables: Uint32Array;
  readonly copies: Uint32Array | undefined;
  readonly warnings: readonly string[];
}

/** Reads at most 32 MiB, twice where there is a copy. What cannot be is taken from the copy. */
export function readGrainDirectory(source: ByteSource, place: DirectoryPlace): GrainDirectory {
  const { entries, offset, copyOffset } = place;
  if (entries * 4 > LIMIT.directoryBytes) {
    throw corrupt('grain directory', `it has ${entries} entries, expected at most ${LIMIT.directoryBytes / 4}`, offset);
  }
  const tables = readEntries(source, offset, entries);
  const copies = copyOffset === undefined ? undefined : readEntries(source, copyOffset, entries);
  if (tables === undefined && copies === undefined) {
    const state = `it is at ${hex(offset)} with ${entries} entries, past the end of the file at ${hex(source.sizeBytes)}`;
    throw corrupt('grain directory', state, offset);
  }
  const directory = merge(tables ?? new Uint32Array(entries), copies, source.sizeBytes, place);
  checkNoneTwice(directory.tables, offset);
  return directory;
}

/** Tables that stand for many parts of a disk would make its map endless: with each its own, the file bounds it. */
export function checkNoneTwice(tables: Uint32Array | Float64Array, offset: number): void {
  const sorted = tables.slice().sort();
  const twice = sorted.find((table, index) => table !== 0 && table === sorted[index + 1]);
  if (twice !== undefined) throw corrupt('grain directory', `two entries name the grain table ${hex(twice)}`, offset);
}

function readEntries(source: ByteSource, offset: number, entries: number): Uint32Array | undefined {
  if (offset === 0 || offset + entries * 4 > source.sizeBytes) return undefined;
  const bytes = source.read(offset, entries * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: entries }, (_, index) => view.getUint32(index * 4, true));
}

function merge(
  tables: Uint32Array,
  copies: Uint32Array | undefined,
  fileSize: number,
  { offset, tableBytes }: DirectoryPlace,
): GrainDirectory {
  const fits = (table: number) => table === 0 || table * SECTOR_SIZE + tableBytes <= fileSize;
  let replaced = 0;
  for (let index = 0; index < tables.length; index++) {
    const table = tables[index] ?? 0;
    const copy = copies?.[index] ?? 0;
    if (copies !== undefined && !fits(copy)) copies[index] = 0;
    // a writer fills both: a table that only the copy has was lost
    if (table !== 0 ? fits(table) : copy === 0 || !fits(copy)) continue;
    if (copy === 0 || !fits(copy)) {
      const state = `grain table is at ${hex(table * SECTOR_SIZE)}, past the end of the file at ${hex(fileSize)}`;
      throw corrupt('grain directory', state, offset + index * 4);
    }
    tables[index] = copy;
    replaced += 1;
  }
  const warnings = replaced === 0 ? [] : [`grain directory is damaged: ${replaced} of its tables come from its copy`];
  return { tables, copies, warnings };
}
