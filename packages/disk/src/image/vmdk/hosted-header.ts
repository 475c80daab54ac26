import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import {
  DEFLATE,
  DIRECTORY_IN_FOOTER,
  HOSTED_FLAG,
  HOSTED_HEADER,
  LIMIT,
  MAGIC,
  MARKER,
  MARKER_TYPE,
  SECTOR_SIZE,
} from './layout.ts';

/** The header of a hosted sparse extent, its numbers compared with their bounds. Sizes and places in bytes. */
export interface HostedHeader {
  /** 0 when the file is only the descriptor of a disk. */
  readonly sizeBytes: number;
  readonly grainBytes: number;
  readonly entriesPerTable: number;
  /** `undefined` when it is nowhere, or in a footer. */
  readonly directoryOffset: number | undefined;
  readonly copyOffset: number | undefined;
  readonly directoryInFooter: boolean;
  /** Where grains start. */
  readonly overhead: number;
  readonly descriptor: { readonly offset: number; readonly sizeBytes: number } | undefined;
  readonly zeroGrains: boolean;
  readonly isCompressed: boolean;
  readonly hasMarkers: boolean;
  readonly wasNotClosed: boolean;
}

type Raw = Fields<typeof HOSTED_HEADER>;

/** @param at 0, or where the footer of a stream has the header again */
export function readHostedHeader(source: ByteSource, at = 0): HostedHeader {
  const bytes = source.read(at, Math.min(source.sizeBytes - at, SECTOR_SIZE));
  const raw = readFields(bytes, HOSTED_HEADER, { format: 'vmdk', offset: at });
  if (raw.magicNumber !== MAGIC.hosted) throw corrupt('header', `it starts with ${hex(raw.magicNumber)}`, at);
  if (raw.version === 0 || raw.version > LIMIT.version) {
    throw unsupported('header', `version is ${raw.version}, expected 1 to ${LIMIT.version}`, at + 4);
  }
  checkNewLines(raw, at);
  checkSizes(raw, at);
  const isCompressed = checkCompression(raw, at);
  if (raw.overHead * SECTOR_SIZE > source.sizeBytes) {
    const state = `it ends before its grains at ${hex(raw.overHead * SECTOR_SIZE)}`;
    throw corrupt('file', `${state}, at ${hex(source.sizeBytes)}`, at + 64);
  }
  return {
    sizeBytes: raw.capacity * SECTOR_SIZE,
    grainBytes: raw.grainSize * SECTOR_SIZE,
    entriesPerTable: raw.numGTEsPerGT,
    directoryOffset: placeOf(raw.gdOffset),
    copyOffset: (raw.flags & HOSTED_FLAG.redundantTables) === 0 ? undefined : placeOf(raw.rgdOffset),
    directoryInFooter: raw.gdOffset === DIRECTORY_IN_FOOTER,
    overhead: raw.overHead * SECTOR_SIZE,
    descriptor: descriptorPlace(raw, source.sizeBytes, at),
    zeroGrains: (raw.flags & HOSTED_FLAG.zeroGrains) !== 0,
    isCompressed,
    hasMarkers: (raw.flags & HOSTED_FLAG.markers) !== 0,
    wasNotClosed: raw.uncleanShutdown !== 0,
  };
}

/** The header that is in the footer of a stream: it knows where the directory is. `undefined` when there is no whole footer. */
export function readFooter(source: ByteSource, header: HostedHeader): HostedHeader | undefined {
  const end = Math.floor(source.sizeBytes / SECTOR_SIZE) * SECTOR_SIZE;
  const at = end - 2 * SECTOR_SIZE;
  if (at - SECTOR_SIZE < header.overhead) return undefined;
  const before = readFields(source.read(at - SECTOR_SIZE, SECTOR_SIZE), MARKER);
  const magic = new DataView(Uint8Array.from(source.read(at, 4)).buffer).getUint32(0, true);
  if (before.size !== 0 || before.type !== MARKER_TYPE.footer || magic !== MAGIC.hosted) return undefined;
  const footer = readHostedHeader(source, at);
  const isSameDisk = footer.sizeBytes === header.sizeBytes && footer.grainBytes === header.grainBytes;
  if (isSameDisk && footer.entriesPerTable === header.entriesPerTable) return footer;
  throw corrupt('footer', 'it tells of another disk than the header', at);
}

// writing such a file in text mode would have changed these
function checkNewLines(raw: Raw, at: number): void {
  if ((raw.flags & HOSTED_FLAG.newLineTest) === 0) return;
  const { singleEndLineChar, nonEndLineChar, doubleEndLineChar1, doubleEndLineChar2 } = raw;
  const found = String.fromCharCode(singleEndLineChar, nonEndLineChar, doubleEndLineChar1, doubleEndLineChar2);
  if (found === '\n \r\n') return;
  throw corrupt('header', 'its line ends were changed: the file was copied as a text', at + 73);
}

function checkSizes({ capacity, grainSize, numGTEsPerGT }: Raw, at: number): void {
  if (capacity > LIMIT.virtualSectors) {
    throw corrupt(
      'header',
      `capacity is ${hex(capacity)} sectors, expected at most ${hex(LIMIT.virtualSectors)}`,
      at + 12,
    );
  }
  if (grainSize === 0 || grainSize > LIMIT.grainSectors) {
    throw corrupt('header', `a grain has ${grainSize} sectors, expected 1 to ${LIMIT.grainSectors}`, at + 20);
  }
  if (numGTEsPerGT === 0 || numGTEsPerGT > LIMIT.tableEntries) {
    throw corrupt('header', `a grain table has ${numGTEsPerGT} entries, expected 1 to ${LIMIT.tableEntries}`, at + 44);
  }
}

function checkCompression({ flags, compressAlgorithm, grainSize }: Raw, at: number): boolean {
  if (compressAlgorithm > DEFLATE) {
    throw unsupported('header', `compression is ${compressAlgorithm}, expected 0 (none) or 1 (deflate)`, at + 77);
  }
  const isCompressed = compressAlgorithm === DEFLATE;
  if (isCompressed !== ((flags & HOSTED_FLAG.compressed) !== 0)) {
    throw corrupt('header', `compression ${compressAlgorithm} contradicts the flags ${hex(flags)}`, at + 77);
  }
  if (isCompressed && grainSize > LIMIT.compressedGrainSectors) {
    const state = `a compressed grain has ${grainSize} sectors, expected at most ${LIMIT.compressedGrainSectors}`;
    throw corrupt('header', state, at + 20);
  }
  return isCompressed;
}

/** One past the end of the file is found where the directory is read. */
function placeOf(sector: bigint): number | undefined {
  if (sector === 0n || sector === DIRECTORY_IN_FOOTER) return undefined;
  return Math.min(Number(sector) * SECTOR_SIZE, Number.MAX_SAFE_INTEGER);
}

function descriptorPlace({ descriptorOffset, descriptorSize }: Raw, fileSize: number, at: number) {
  if (descriptorOffset === 0 || descriptorSize === 0) return undefined;
  const offset = descriptorOffset * SECTOR_SIZE;
  const sizeBytes = descriptorSize * SECTOR_SIZE;
  if (sizeBytes <= LIMIT.descriptorBytes && offset + sizeBytes <= fileSize) return { offset, sizeBytes };
  const state = `it is at ${hex(offset)} with ${sizeBytes} bytes, expected at most ${LIMIT.descriptorBytes} within the file`;
  throw corrupt('descriptor', state, at + 28);
}
