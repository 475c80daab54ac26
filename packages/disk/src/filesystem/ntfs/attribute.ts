import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './corrupt.ts';
import {
  ATTRIBUTE,
  ATTRIBUTE_FLAG,
  ATTRIBUTE_HEADER_SIZE,
  ATTRIBUTE_TYPE,
  NON_RESIDENT,
  NON_RESIDENT_SIZES,
  RESIDENT,
} from './layout.ts';
import { readUnits } from './units.ts';

/** A part of a file: its content, its name, its place in an index … or a piece of such a part. */
export interface Attribute {
  readonly type: number;
  /** Empty for most. */
  readonly name: string;
  readonly flags: number;
  /** Where on the volume it is said. */
  readonly offset: number;
  /** The value when it is kept right here, or where it is kept. */
  readonly body: Uint8Array | Mapping;
}

/** What an attribute says of the clusters that its value is kept in. */
export interface Mapping {
  /** Number of the first cluster that this piece of the attribute is about. */
  readonly firstVcn: number;
  /** Absent from all pieces but the first. */
  readonly sizes: { readonly sizeBytes: number; readonly validBytes: number } | undefined;
  /** How many clusters are compressed together, as an exponent of two; 0 when none are. */
  readonly compressionUnit: number;
  /** The run list, not decoded, and where on the volume it is. */
  readonly pairs: Uint8Array;
  readonly pairsOffset: number;
}

export function isResident(attribute: Attribute): attribute is Attribute & { readonly body: Uint8Array } {
  return attribute.body instanceof Uint8Array;
}

export function isEncrypted({ flags }: Attribute): boolean {
  return (flags & ATTRIBUTE_FLAG.ENCRYPTED) !== 0;
}

/** The attributes of a record, of which `bytes` are in use. */
export function readAttributes(bytes: Uint8Array, first: number, recordOffset: number): Attribute[] {
  const attributes: Attribute[] = [];
  for (let at = first; ; ) {
    const offset = recordOffset + at;
    const { type } = readFields(bytes.subarray(at), { type: ATTRIBUTE.type }, { format: 'ntfs', offset });
    if (type === ATTRIBUTE_TYPE.END) return attributes;
    const header = readFields(bytes.subarray(at), ATTRIBUTE, { format: 'ntfs', offset });
    if (header.length < ATTRIBUTE_HEADER_SIZE || header.length % 8 !== 0 || at + header.length > bytes.length) {
      throw corrupt(
        `Cannot read attribute ${hex(type)}: bad length ${hex(header.length)}`,
        offset + ATTRIBUTE.length[0],
      );
    }
    attributes.push(readAttribute(bytes.subarray(at, at + header.length), header, offset));
    at += header.length;
  }
}

function readAttribute(bytes: Uint8Array, header: Fields<typeof ATTRIBUTE>, offset: number): Attribute {
  const { type, name_length: units, name_offset: at, flags } = header;
  return {
    type,
    name: units === 0 ? '' : readUnits(slice(bytes, at, units * 2, 'name', offset)),
    flags,
    offset,
    body: header.non_resident === 0 ? readValue(bytes, offset) : readMapping(bytes, flags, offset),
  };
}

function readValue(bytes: Uint8Array, offset: number): Uint8Array {
  const { value_offset, value_length } = readFields(bytes, RESIDENT, { format: 'ntfs', offset });
  return slice(bytes, value_offset, value_length, 'value', offset);
}

function readMapping(bytes: Uint8Array, flags: number, offset: number): Mapping {
  const fields = readFields(bytes, NON_RESIDENT, { format: 'ntfs', offset });
  const isCompressed = (flags & ATTRIBUTE_FLAG.COMPRESSION_MASK) !== 0;
  const pairsAt = fields.mapping_pairs_offset;
  return {
    firstVcn: fields.lowest_vcn,
    sizes: fields.lowest_vcn === 0 ? readSizes(bytes, offset) : undefined,
    compressionUnit: isCompressed ? fields.compression_unit : 0,
    pairsOffset: offset + pairsAt,
    pairs: slice(bytes, pairsAt, Math.max(0, bytes.length - pairsAt), 'run list', offset),
  };
}

function readSizes(bytes: Uint8Array, offset: number) {
  const fields = readFields(bytes, NON_RESIDENT_SIZES, { format: 'ntfs', offset });
  return { sizeBytes: fields.data_size, validBytes: Math.min(fields.initialized_size, fields.data_size) };
}

function slice(bytes: Uint8Array, at: number, length: number, what: string, offset: number): Uint8Array {
  if (at >= ATTRIBUTE_HEADER_SIZE && at + length <= bytes.length) return bytes.subarray(at, at + length);
  const state = `${length} bytes at ${hex(at)} of ${bytes.length}`;
  throw corrupt(`Cannot read attribute: its ${what} is not within it: ${state}`, offset);
}
