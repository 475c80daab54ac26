import { DiskError } from '../../error.ts';
import type { Attribute } from './attribute.ts';
import { readAttributeList } from './attribute-list.ts';
import { ClusterContent } from './cluster-content.ts';
import { corrupt } from './corrupt.ts';
import { type FileRecord, type FileReference, readFileRecord } from './file-record.ts';
import { ATTRIBUTE_TYPE, RECORD } from './layout.ts';
import { addRuns, beginLayout, checkLayout, openValue } from './stored-value.ts';
import type { NtfsVolume } from './volume.ts';

/** The master file table: a record for every file, and those that continue them. It is a file itself, the first. */
export class Mft {
  readonly volume: NtfsVolume;
  /** The first record was damaged: its copy stood in for it. */
  readonly isMirrored: boolean;
  readonly #content: ClusterContent;

  constructor(volume: NtfsVolume) {
    this.volume = volume;
    const { record, isMirrored } = readFirstRecord(volume);
    this.isMirrored = isMirrored;
    this.#content = openTable(volume, record);
  }

  /** @throws DiskError `corrupt` when there is no such record, or it is used anew since it was named */
  record({ number, sequence }: FileReference): FileRecord {
    const record = readRecord(this.#content, this.volume.geometry.recordBytes, number);
    if (sequence === 0 || record.sequence === sequence) return record;
    const state = `it was used ${record.sequence} times, the reference is to the ${sequence}. use`;
    throw corrupt(`Cannot read file record ${number}: ${state}`, record.offset);
  }
}

function readRecord(content: ClusterContent, recordBytes: number, number: number): FileRecord {
  const at = number * recordBytes;
  if (at + recordBytes > content.sizeBytes) {
    throw corrupt(
      `Cannot read file record ${number}: there are ${Math.floor(content.sizeBytes / recordBytes)}`,
      content.placeOf(0),
    );
  }
  return readFileRecord(content.read(at, recordBytes), number, content.placeOf(at));
}

function readFirstRecord(volume: NtfsVolume): { readonly record: FileRecord; readonly isMirrored: boolean } {
  const { mftCluster, mirrorCluster, clusterBytes, clusterCount } = volume.geometry;
  try {
    return { record: readFirstAt(volume, mftCluster * clusterBytes), isMirrored: false };
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind !== 'corrupt' || mirrorCluster >= clusterCount) throw error;
    return { record: readFirstAt(volume, mirrorCluster * clusterBytes), isMirrored: true };
  }
}

function readFirstAt({ metadata, geometry }: NtfsVolume, offset: number): FileRecord {
  return readFileRecord(metadata.read(offset, geometry.recordBytes), RECORD.MFT, offset);
}

/** The table grows piece by piece where it is in many: the records that say where the rest is are in the part already known. */
function openTable(volume: NtfsVolume, first: FileRecord): ClusterContent {
  const { geometry, metadata } = volume;
  const table = first.attributes.find(isTable);
  if (table === undefined)
    throw corrupt('Cannot read file table: its first record does not say where it is', first.offset);
  const layout = beginLayout(geometry, table);
  const content = new ClusterContent(metadata, layout);
  for (const number of listedRecords(volume, first)) {
    for (const piece of readRecord(content, geometry.recordBytes, number).attributes.filter(isTable)) {
      addRuns(layout, geometry, piece);
    }
  }
  checkLayout(layout, table.offset);
  return content;
}

function listedRecords({ metadata, geometry }: NtfsVolume, first: FileRecord): ReadonlySet<number> {
  const lists = first.attributes.filter(({ type }) => type === ATTRIBUTE_TYPE.ATTRIBUTE_LIST);
  if (lists.length === 0) return new Set();
  const listed = readAttributeList(openValue(metadata, geometry, lists), first.offset);
  const tables = listed.filter(({ type, record }) => type === ATTRIBUTE_TYPE.DATA && record.number !== RECORD.MFT);
  return new Set(tables.map(({ record }) => record.number));
}

function isTable({ type, name }: Attribute): boolean {
  return type === ATTRIBUTE_TYPE.DATA && name === '';
}
