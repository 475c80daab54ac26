import { readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { checksumHolds } from './checksum.ts';
import { corrupt, unsupported } from './error.ts';
import { HEADER, HEADER_GUID, HEADER_OFFSETS, HEADER_SIGNATURE, HEADER_SIZE, HEADER_VERSION, MIB } from './layout.ts';
import type { Region } from './region-table.ts';
import { hasSignature } from './signature.ts';

/** The header in force. */
export interface VhdxHeader {
  readonly offset: number;
  readonly sequenceNumber: bigint;
  readonly fileWriteGuid: string;
  readonly dataWriteGuid: string;
  readonly logGuid: string;
  readonly logVersion: number;
  readonly log: Region;
  readonly warnings: readonly string[];
}

/** Reads both headers: the one with the higher sequence number was written last. */
export function readVhdxHeader(source: ByteSource): VhdxHeader {
  const [first, second] = HEADER_OFFSETS.map((offset) => readCopy(source, offset));
  const newest = newer(first, second);
  if (newest === undefined) {
    throw corrupt('header', 'neither of the two has a signature and a checksum that hold', HEADER_OFFSETS[0]);
  }
  const warnings = first === undefined || second === undefined ? ['one of the two headers is damaged'] : [];
  return { ...newest, warnings };
}

type HeaderCopy = Omit<VhdxHeader, 'warnings'>;

function newer(first: HeaderCopy | undefined, second: HeaderCopy | undefined): HeaderCopy | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  if (first.sequenceNumber !== second.sequenceNumber) {
    return first.sequenceNumber > second.sequenceNumber ? first : second;
  }
  // Disk2vhd writes two that are the same
  if (JSON.stringify(contentOf(first)) === JSON.stringify(contentOf(second))) return first;
  const state = `both have sequence number ${first.sequenceNumber}, but they differ`;
  throw corrupt('header', state, second.offset);
}

function contentOf({ fileWriteGuid, dataWriteGuid, logGuid, logVersion, log }: HeaderCopy) {
  return { fileWriteGuid, dataWriteGuid, logGuid, logVersion, log };
}

/** `undefined` when it is damaged: a writer that is cut off leaves one so. */
function readCopy(source: ByteSource, offset: number): HeaderCopy | undefined {
  if (source.sizeBytes < MIB) throw corrupt('file', `it is cut short at ${hex(source.sizeBytes)}`, source.sizeBytes);
  const bytes = source.read(offset, HEADER_SIZE);
  if (!hasSignature(bytes, HEADER_SIGNATURE) || !checksumHolds(bytes)) return undefined;
  const fields = readFields(bytes, HEADER, { format: 'vhdx', offset });
  if (fields.Version !== HEADER_VERSION) {
    throw unsupported('header', `version is ${fields.Version}, expected ${HEADER_VERSION}`, offset + 66);
  }
  return {
    offset,
    sequenceNumber: fields.SequenceNumber,
    fileWriteGuid: readGuid(bytes, HEADER_GUID.FileWriteGuid),
    dataWriteGuid: readGuid(bytes, HEADER_GUID.DataWriteGuid),
    logGuid: readGuid(bytes, HEADER_GUID.LogGuid),
    logVersion: fields.LogVersion,
    log: { what: 'the log', offset: fields.LogOffset, sizeBytes: fields.LogLength },
  };
}
