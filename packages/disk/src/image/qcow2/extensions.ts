import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import {
  BITMAPS_EXTENSION,
  ENCRYPTION_EXTENSION,
  EXTENSION,
  EXTENSION_HEADER,
  FEATURE_NAME_SIZE,
  FEATURE_TYPES,
} from './layout.ts';

/** What the header extensions say. */
export interface Qcow2Extensions {
  readonly backingFormat?: string;
  readonly dataFile?: string;
  readonly bitmaps?: BitmapDirectory;
  /** Where the LUKS header of the content is, in the file. */
  readonly encryptionHeader?: { readonly offset: number; readonly length: number };
  /** `incompatible 5` → the name the writer gave it. */
  readonly featureNames: ReadonlyMap<string, string>;
}

export interface BitmapDirectory {
  readonly count: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Reads the extensions between the header and the backing file name (or the end of the first cluster). Unknown ones are optional. */
export function readExtensions(area: Uint8Array, areaOffset: number): Qcow2Extensions {
  const found: { -readonly [Name in keyof Qcow2Extensions]: Qcow2Extensions[Name] } = { featureNames: new Map() };
  for (const { type, bytes, offset } of extensionsOf(area, areaOffset)) {
    if (type === EXTENSION.backingFormat) found.backingFormat = text(bytes);
    if (type === EXTENSION.dataFile) found.dataFile = text(bytes);
    if (type === EXTENSION.featureNames) found.featureNames = featureNames(bytes);
    if (type === EXTENSION.bitmaps) found.bitmaps = bitmapDirectory(bytes, offset);
    if (type === EXTENSION.encryptionHeader) {
      found.encryptionHeader = readFields(bytes, ENCRYPTION_EXTENSION, { format: 'qcow2', offset });
    }
  }
  return found;
}

function* extensionsOf(area: Uint8Array, areaOffset: number) {
  for (let at = 0; at + 8 <= area.length; ) {
    const { type, length } = readFields(area.subarray(at), EXTENSION_HEADER);
    if (type === EXTENSION.end) return;
    const start = at + 8;
    if (length > area.length - start) {
      throw corrupt('header extension', `${length} bytes reach past its area of ${area.length}`, areaOffset + at);
    }
    yield { type, bytes: area.subarray(start, start + length), offset: areaOffset + start };
    // each is padded to a multiple of 8
    at = start + Math.ceil(length / 8) * 8;
  }
}

function bitmapDirectory(bytes: Uint8Array, offset: number): BitmapDirectory {
  const fields = readFields(bytes, BITMAPS_EXTENSION, { format: 'qcow2', offset });
  return {
    count: fields.nb_bitmaps,
    offset: fields.bitmap_directory_offset,
    sizeBytes: fields.bitmap_directory_size,
  };
}

function featureNames(bytes: Uint8Array): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (let at = 0; at + FEATURE_NAME_SIZE <= bytes.length; at += FEATURE_NAME_SIZE) {
    const type = FEATURE_TYPES[bytes[at] ?? 0];
    if (type !== undefined) names.set(`${type} ${bytes[at + 1]}`, text(bytes.subarray(at + 2, at + FEATURE_NAME_SIZE)));
  }
  return names;
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}
