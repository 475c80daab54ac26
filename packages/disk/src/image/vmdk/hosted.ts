import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { VmdkExtent } from './extent.ts';
import { type GrainDirectory, readGrainDirectory } from './grain-directory.ts';
import { scanStream } from './grain-stream.ts';
import { type GrainTable, TwoLevelGrainTable } from './grain-table.ts';
import { type HostedHeader, readFooter, readHostedHeader } from './hosted-header.ts';
import { MARKER, MARKER_SIZE, SECTOR_SIZE } from './layout.ts';
import { SparseExtent } from './sparse-extent.ts';
import { unpackGrain } from './unpack-grain.ts';

/** Opens a hosted sparse extent: also one of a stream, whose tables may be anywhere, or lost. */
export function openHostedExtent(
  source: ByteSource,
  cacheBytes: number,
  header: HostedHeader = readHostedHeader(source),
): VmdkExtent {
  if (header.sizeBytes === 0) throw corrupt('header', 'capacity is 0', 12);
  const { grains, warnings } = findGrains(source, header, cacheBytes);
  const unpack = (grain: number, offset: number, needed: number) =>
    unpackGrain(source, header, { grain, offset, needed });
  return new SparseExtent({
    source,
    sizeBytes: header.sizeBytes,
    grainBytes: header.grainBytes,
    grains,
    unpack: header.isCompressed ? unpack : undefined,
    warnings: header.wasNotClosed ? [...warnings, NOT_CLOSED] : warnings,
  });
}

const NOT_CLOSED = 'extent was not closed: a machine may be running on it, or its writer died';
const NO_DIRECTORY = 'grain directory is missing or damaged: grains were found by reading the whole stream';

interface Found {
  readonly grains: GrainTable;
  readonly warnings: readonly string[];
}

function findGrains(source: ByteSource, header: HostedHeader, cacheBytes: number): Found {
  if (!header.hasMarkers || !header.isCompressed) {
    return byDirectory(source, header, readDirectory(source, header), cacheBytes);
  }
  // a footer that contradicts the header is no damage to work around: other readers would see another disk
  const footer = header.directoryInFooter ? (readFooter(source, header) ?? header) : header;
  const directory = unlessCorrupt(() => readDirectory(source, footer));
  if (directory === undefined || isWiped(source, header, directory)) {
    return { grains: scanStream(source, header), warnings: [NO_DIRECTORY] };
  }
  return byDirectory(source, header, directory, cacheBytes);
}

function byDirectory(source: ByteSource, header: HostedHeader, directory: GrainDirectory, cacheBytes: number): Found {
  const { entriesPerTable, zeroGrains, isCompressed, overhead } = header;
  // streams are not all careful with the start of grains, and their markers tell more
  const firstGrainSector = isCompressed ? 1 : Math.max(1, overhead / SECTOR_SIZE);
  const grains = new TwoLevelGrainTable({
    source,
    directory,
    entriesPerTable,
    zeroGrains,
    firstGrainSector,
    cacheBytes,
  });
  return { grains, warnings: directory.warnings };
}

function readDirectory(source: ByteSource, header: HostedHeader): GrainDirectory {
  const { directoryOffset, copyOffset, sizeBytes, grainBytes, entriesPerTable } = header;
  if (directoryOffset === undefined && copyOffset === undefined) {
    throw corrupt('header', 'no grain directory is named', 56);
  }
  return readGrainDirectory(source, {
    offset: directoryOffset ?? 0,
    copyOffset,
    entries: Math.ceil(sizeBytes / (grainBytes * entriesPerTable)),
    tableBytes: entriesPerTable * 4,
  });
}

/** Whether the directory is empty though the stream starts with a grain. */
function isWiped(source: ByteSource, { overhead }: HostedHeader, { tables }: GrainDirectory): boolean {
  if (tables.some((table) => table !== 0) || overhead + MARKER_SIZE > source.sizeBytes) return false;
  const marker = source.read(overhead, MARKER_SIZE);
  return (marker[7] ?? 0) === 0 && readFields(marker, MARKER).size > 0;
}

function unlessCorrupt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}
