import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { hasAscii, hasStandardId } from './format.ts';
import {
  BOOT_CATALOGUE,
  DESCRIPTOR,
  DESCRIPTOR_TYPE,
  DESCRIPTORS_AT,
  EL_TORITO_ID,
  EL_TORITO_ID_AT,
  ENHANCED_VERSION,
  ESCAPE_SEQUENCES,
  JOLIET_ESCAPES,
  MOST_DESCRIPTORS,
  RECORD_EXTENT_BE,
  ROOT_RECORD,
  SECTOR_SIZE,
  VOLUME_DESCRIPTOR,
} from './layout.ts';
import { type DirectoryRecord, parseRecord } from './record.ts';

/** A tree of folders: a disc may have several, of other names for the same files. */
export interface VolumeDescriptor {
  readonly blockSize: number;
  readonly sizeBytes: number;
  readonly root: DirectoryRecord;
  /** Of numbers whose two copies differ. */
  readonly warnings: readonly string[];
}

export interface Descriptors {
  readonly primary: VolumeDescriptor;
  readonly joliet: VolumeDescriptor | undefined;
  readonly enhanced: VolumeDescriptor | undefined;
  /** Where the boot catalogue of El Torito is, in bytes. */
  readonly bootCatalogueAt: number | undefined;
}

/** Reads what describes the disc, up to the terminator. Of two of a kind the first counts, as for Linux. */
export function readDescriptors(source: ByteSource): Descriptors {
  let primary: VolumeDescriptor | undefined;
  let joliet: VolumeDescriptor | undefined;
  let enhanced: VolumeDescriptor | undefined;
  let bootCatalogueAt: number | undefined;
  for (const { at, bytes } of descriptorsOf(source)) {
    const { type, version } = readFields(bytes, DESCRIPTOR);
    if (type === DESCRIPTOR_TYPE.primary) primary ??= readVolume(bytes, at);
    else if (type === DESCRIPTOR_TYPE.boot) bootCatalogueAt ??= catalogueOf(bytes);
    else if (type !== DESCRIPTOR_TYPE.supplementary) continue;
    else if (isJoliet(bytes)) joliet ??= readVolume(bytes, at);
    else if (version === ENHANCED_VERSION) enhanced ??= readVolume(bytes, at);
  }
  if (primary === undefined) throw corrupt('Cannot open filesystem: there is no primary descriptor', DESCRIPTORS_AT);
  return { primary, joliet, enhanced, bootCatalogueAt };
}

function* descriptorsOf(source: ByteSource) {
  for (let index = 0; index < MOST_DESCRIPTORS; index++) {
    const at = DESCRIPTORS_AT + index * SECTOR_SIZE;
    if (at + SECTOR_SIZE > source.sizeBytes) return;
    const bytes = source.read(at, SECTOR_SIZE);
    // a terminator that was forgotten, and what else a bridge disc says to readers of UDF
    if (!hasStandardId(bytes) || bytes[0] === DESCRIPTOR_TYPE.terminator) return;
    yield { at, bytes };
  }
}

function isJoliet(descriptor: Uint8Array): boolean {
  const sequences = new TextDecoder('latin1').decode(descriptor.subarray(ESCAPE_SEQUENCES.start, ESCAPE_SEQUENCES.end));
  return JOLIET_ESCAPES.some((sequence) => sequences.includes(sequence));
}

function catalogueOf(descriptor: Uint8Array): number | undefined {
  if (!hasAscii(descriptor, EL_TORITO_ID, EL_TORITO_ID_AT)) return undefined;
  return readFields(descriptor, BOOT_CATALOGUE).sector * SECTOR_SIZE;
}

function readVolume(bytes: Uint8Array, at: number): VolumeDescriptor {
  const fields = readFields(bytes, VOLUME_DESCRIPTOR, { format: 'iso9660', offset: at });
  const blockSize = fields.logical_block_size;
  if (![512, 1024, 2048, 4096].includes(blockSize)) {
    const message = `Cannot read descriptor: blocks have ${blockSize} bytes, expected 512, 1024, 2048 or 4096`;
    throw corrupt(message, at + VOLUME_DESCRIPTOR.logical_block_size[0]);
  }
  const rootBytes = bytes.subarray(ROOT_RECORD.start, ROOT_RECORD.end);
  const root = parseRecord(rootBytes, at + ROOT_RECORD.start, blockSize);
  if (!root.isFolder) throw corrupt('Cannot read descriptor: the root is no folder', at + ROOT_RECORD.start);
  const { extent_be, data_length_be } = readFields(rootBytes, RECORD_EXTENT_BE);
  const copies = [
    ['volume_space_size', fields.volume_space_size, fields.volume_space_size_be],
    ['logical_block_size', blockSize, fields.logical_block_size_be],
    ['length of the root', root.extent.length, data_length_be],
    ['extent of the root', readFields(rootBytes, { extent: [2, 'u32'] }).extent, extent_be],
  ] as const;
  return {
    blockSize,
    sizeBytes: fields.volume_space_size * blockSize,
    root,
    warnings: copies
      .filter(([, little, big]) => little !== big)
      .map(([name, little, big]) => differs(name, little, big)),
  };
}

function differs(name: string, little: number, big: number): string {
  return `descriptor: ${name} is ${hex(little)} in one byte order and ${hex(big)} in the other; the first is used`;
}
