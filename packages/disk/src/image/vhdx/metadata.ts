import { type Fields, type Layout, readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import {
  FILE_PARAMETERS,
  FILE_PARAMETERS_FLAG,
  ITEM,
  LIMIT,
  METADATA_ENTRIES_AT,
  METADATA_ENTRY,
  METADATA_ENTRY_SIZE,
  METADATA_FLAG,
  METADATA_SIGNATURE,
  METADATA_TABLE,
  METADATA_TABLE_SIZE,
} from './layout.ts';
import { type ParentLocator, readParentLocator } from './parent-locator.ts';
import type { Region } from './region-table.ts';
import { hasSignature } from './signature.ts';

/** What the metadata region says of the disk, its numbers compared with their bounds. */
export interface VhdxMetadata {
  readonly blockSize: number;
  /** Blocks are never given back: the disk is a fixed one. */
  readonly leaveBlocksAllocated: boolean;
  readonly virtualSize: number;
  readonly logicalSectorSize: number;
  readonly physicalSectorSize: number | undefined;
  readonly diskId: string | undefined;
  readonly parent: ParentLocator | undefined;
}

export function readMetadata(source: ByteSource, region: Region): VhdxMetadata {
  const items = readItems(source, region);
  const need = <L extends Layout>(guid: string, name: string, layout: L) => {
    const item = items.get(guid);
    if (item === undefined) throw corrupt('metadata', `it has no ${name}`, region.offset);
    const fields: Fields<L> = readFields(item.bytes, layout, { format: 'vhdx', offset: item.offset });
    return { fields, at: item.offset };
  };
  const parameters = need(ITEM.fileParameters, 'file parameters', FILE_PARAMETERS);
  const size = need(ITEM.virtualDiskSize, 'size of the disk', { Size: [0, 'u64'] });
  const sector = need(ITEM.logicalSectorSize, 'sector size', { Size: [0, 'u32'] });
  const logicalSectorSize = checkSectorSize(sector.fields.Size, sector.at);
  return {
    blockSize: checkBlockSize(parameters.fields.BlockSize, parameters.at),
    leaveBlocksAllocated: (parameters.fields.Flags & FILE_PARAMETERS_FLAG.leaveBlocksAllocated) !== 0,
    virtualSize: checkVirtualSize(size.fields.Size, logicalSectorSize, size.at),
    logicalSectorSize,
    physicalSectorSize: physicalSectorSize(items),
    diskId: diskId(items),
    parent: readParent(items, (parameters.fields.Flags & FILE_PARAMETERS_FLAG.hasParent) !== 0, parameters.at),
  };
}

export interface MetadataItem {
  readonly bytes: Uint8Array;
  /** In the file. */
  readonly offset: number;
}

const KNOWN: ReadonlySet<string> = new Set(Object.values(ITEM));

function readItems(source: ByteSource, region: Region): ReadonlyMap<string, MetadataItem> {
  if (region.sizeBytes < METADATA_TABLE_SIZE) throw corrupt('metadata', 'its region is empty', region.offset);
  const table = source.read(region.offset, METADATA_TABLE_SIZE);
  if (!hasSignature(table, METADATA_SIGNATURE)) {
    throw corrupt('metadata', `it does not start with "${METADATA_SIGNATURE}"`, region.offset);
  }
  const { EntryCount } = readFields(table, METADATA_TABLE, { format: 'vhdx', offset: region.offset });
  if (EntryCount > LIMIT.metadataItems) {
    throw corrupt(
      'metadata',
      `it has ${EntryCount} items, expected at most ${LIMIT.metadataItems}`,
      region.offset + 10,
    );
  }
  const items = new Map<string, MetadataItem>();
  for (let index = 0; index < EntryCount; index++) {
    const at = METADATA_ENTRIES_AT + index * METADATA_ENTRY_SIZE;
    const place = region.offset + at;
    const guid = readGuid(table, at);
    const entry = readFields(table.subarray(at), METADATA_ENTRY, { format: 'vhdx', offset: place });
    const isKnown = KNOWN.has(guid) && (entry.Flags & METADATA_FLAG.isUser) === 0;
    if (!isKnown && (entry.Flags & METADATA_FLAG.isRequired) === 0) continue;
    if (!isKnown) throw unsupported('metadata', `item ${guid} is required, expected none that is unknown`, place);
    if (items.has(guid)) throw corrupt('metadata', `it has item ${guid} twice`, place);
    checkItem(entry, region, place);
    const offset = region.offset + entry.Offset;
    items.set(guid, { bytes: source.read(offset, entry.Length), offset });
  }
  return items;
}

function checkItem(entry: Fields<typeof METADATA_ENTRY>, region: Region, place: number): void {
  const { Offset, Length } = entry;
  if (Offset >= METADATA_TABLE_SIZE && Length <= LIMIT.metadataItemBytes && Offset + Length <= region.sizeBytes) return;
  const state = `item has ${Length} bytes at ${hex(Offset)}, expected it after the table, within ${hex(region.sizeBytes)}`;
  throw corrupt('metadata', state, place);
}

function checkBlockSize(size: number, at: number): number {
  const { least, most } = LIMIT.blockSize;
  if (size >= least && size <= most && Number.isInteger(Math.log2(size))) return size;
  throw corrupt('metadata', `block size is ${size}, expected a power of two from ${least} to ${most}`, at);
}

function checkSectorSize(size: number, at: number): number {
  if (size === 512 || size === 4096) return size;
  throw corrupt('metadata', `sector size is ${size}, expected 512 or 4096`, at);
}

function checkVirtualSize(size: number, sectorSize: number, at: number): number {
  if (size <= LIMIT.virtualSize && size % sectorSize === 0) return size;
  const state = `size of the disk is ${hex(size)}, expected sectors of ${sectorSize}, at most ${hex(LIMIT.virtualSize)}`;
  throw corrupt('metadata', state, at);
}

function physicalSectorSize(items: ReadonlyMap<string, MetadataItem>): number | undefined {
  const item = items.get(ITEM.physicalSectorSize);
  if (item === undefined) return undefined;
  const { Size } = readFields(item.bytes, { Size: [0, 'u32'] }, { format: 'vhdx', offset: item.offset });
  return checkSectorSize(Size, item.offset);
}

function diskId(items: ReadonlyMap<string, MetadataItem>): string | undefined {
  const item = items.get(ITEM.virtualDiskId);
  return item === undefined || item.bytes.length < 16 ? undefined : readGuid(item.bytes);
}

function readParent(items: ReadonlyMap<string, MetadataItem>, hasParent: boolean, at: number) {
  if (!hasParent) return undefined;
  const locator = items.get(ITEM.parentLocator);
  if (locator === undefined) throw corrupt('metadata', 'the disk has a parent, but nothing says which', at);
  return readParentLocator(locator);
}
