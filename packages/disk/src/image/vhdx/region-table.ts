import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { checksumHolds } from './checksum.ts';
import { corrupt, unsupported } from './error.ts';
import {
  LIMIT,
  MIB,
  REGION,
  REGION_ENTRIES_AT,
  REGION_ENTRY,
  REGION_ENTRY_SIZE,
  REGION_TABLE,
  REGION_TABLE_OFFSETS,
  REGION_TABLE_SIGNATURE,
  REGION_TABLE_SIZE,
} from './layout.ts';
import { hasSignature } from './signature.ts';

/** A part of the file that no block may lie in. */
export interface Region {
  readonly what: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Regions {
  readonly bat: Region;
  readonly metadata: Region;
  readonly warnings: readonly string[];
}

/** @param fileSize of the file itself, without what a log adds: nothing read in whole is larger */
export function readRegions(source: ByteSource, fileSize: number): Regions {
  const valid = REGION_TABLE_OFFSETS.filter((offset) => isTable(source.read(offset, REGION_TABLE_SIZE)));
  const [offset] = valid;
  if (offset === undefined) {
    const state = 'neither of the two has a signature and a checksum that hold';
    throw corrupt('region table', state, REGION_TABLE_OFFSETS[0]);
  }
  const entries = readEntries(source.read(offset, REGION_TABLE_SIZE), offset, fileSize);
  const region = (guid: string, name: string) => {
    const found = entries.get(guid);
    if (found === undefined) throw corrupt('region table', `it names no ${name}`, offset);
    return found;
  };
  return {
    bat: region(REGION.bat, 'block allocation table'),
    metadata: region(REGION.metadata, 'metadata'),
    warnings: valid.length < REGION_TABLE_OFFSETS.length ? ['one of the two region tables is damaged'] : [],
  };
}

function isTable(bytes: Uint8Array): boolean {
  return hasSignature(bytes, REGION_TABLE_SIGNATURE) && checksumHolds(bytes);
}

const NAMES: ReadonlyMap<string, string> = new Map([
  [REGION.bat, 'the block allocation table'],
  [REGION.metadata, 'the metadata'],
]);

function readEntries(bytes: Uint8Array, offset: number, fileSize: number): ReadonlyMap<string, Region> {
  const { EntryCount } = readFields(bytes, REGION_TABLE, { format: 'vhdx', offset });
  if (EntryCount > LIMIT.regions) {
    throw corrupt('region table', `it has ${EntryCount} entries, expected at most ${LIMIT.regions}`, offset + 8);
  }
  const regions = new Map<string, Region>();
  for (let index = 0; index < EntryCount; index++) {
    const at = REGION_ENTRIES_AT + index * REGION_ENTRY_SIZE;
    const guid = readGuid(bytes, at);
    const fields = readFields(bytes.subarray(at), REGION_ENTRY, { format: 'vhdx', offset: offset + at });
    const what = NAMES.get(guid);
    if (what === undefined) {
      if ((fields.Required & 1) === 0) continue;
      throw unsupported('region table', `region ${guid} is required, expected none that is unknown`, offset + at);
    }
    if (regions.has(guid)) throw corrupt('region table', `it names ${what} twice`, offset + at);
    const region = { what, offset: fields.FileOffset, sizeBytes: fields.Length };
    checkRegion(region, offset + at, fileSize);
    regions.set(guid, region);
  }
  return regions;
}

/** @param at where the region is named */
export function checkRegion({ what, offset, sizeBytes }: Region, at: number, fileSize: number): void {
  const state = `it is at ${hex(offset)} with ${hex(sizeBytes)} bytes`;
  if (offset < MIB || offset % MIB !== 0 || sizeBytes % MIB !== 0) {
    throw corrupt(nameOf(what), `${state}, expected multiples of 1 MiB after the first`, at);
  }
  if (offset + sizeBytes > fileSize) {
    throw corrupt(nameOf(what), `${state}, past the end of the file at ${hex(fileSize)}`, at);
  }
}

/** @param at where the last of the regions is named */
export function checkNoOverlap(regions: readonly Region[], at: number): void {
  const sorted = regions.filter(({ sizeBytes }) => sizeBytes > 0).toSorted((one, other) => one.offset - other.offset);
  for (const [index, region] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || region.offset + region.sizeBytes <= next.offset) continue;
    throw corrupt('region table', `${region.what} at ${hex(region.offset)} overlaps ${next.what}`, at);
  }
}

function nameOf(what: string): string {
  return what.replace(/^the /, '');
}
