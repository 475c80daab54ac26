import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { COMPRESSIONS, type Compression } from './compression.ts';
import { corrupt, unsupported } from './error.ts';
import {
  EXTENT,
  EXTENT_INLINE_SIZE,
  EXTENT_REGULAR,
  EXTENT_REGULAR_SIZE,
  EXTENT_TYPE,
  MAX_COMPRESSED_EXTENT,
} from './layout.ts';
import type { Item } from './tree-block.ts';

/** A run of a file and where its content is. */
export interface FileExtent {
  readonly start: number;
  readonly end: number;
  readonly content:
    | { readonly kind: 'inline'; readonly bytes: Uint8Array; readonly compression: Compression | undefined }
    | { readonly kind: 'stored'; readonly stored: StoredExtent; readonly within: number }
    /** A hole that is written down, or allocated and never written. */
    | { readonly kind: 'absent' }
    | { readonly kind: 'zero' };
  /** The address of the item, for errors. */
  readonly offset: number;
}

/** What was written at once; files may share it, and each use only a part of it. */
export interface StoredExtent {
  readonly address: number;
  readonly length: number;
  readonly compression: Compression | undefined;
  /** Without compression. */
  readonly plainLength: number;
}

export function parseExtent(item: Item): FileExtent {
  const { bytes, offset } = item;
  const raw = readFields(bytes, EXTENT, { format: 'btrfs', offset });
  if (raw.encryption !== 0) {
    throw new DiskError('encrypted', 'Cannot read extent: it is encrypted', { format: 'btrfs', offset });
  }
  if (raw.other_encoding !== 0) throw unsupported(`Cannot read extent: unknown encoding ${raw.other_encoding}`, offset);
  const compression = COMPRESSIONS[raw.compression];
  if (compression === undefined)
    throw unsupported(`Cannot read extent: unknown compression ${raw.compression}`, offset);
  const encoding = { compression: compression === 'none' ? undefined : compression, plainLength: raw.ram_bytes };
  if (raw.type === EXTENT_TYPE.INLINE) return inlineExtent(item, encoding);
  if (raw.type === EXTENT_TYPE.REGULAR) return regularExtent(item, encoding);
  if (raw.type === EXTENT_TYPE.PREALLOCATED) return { ...regularExtent(item, encoding), content: { kind: 'zero' } };
  throw corrupt(`Cannot read extent: unknown type ${raw.type}`, offset);
}

type Encoding = Pick<StoredExtent, 'compression' | 'plainLength'>;

function inlineExtent({ key, bytes, offset }: Item, { compression, plainLength }: Encoding): FileExtent {
  const content = bytes.subarray(EXTENT_INLINE_SIZE);
  const length = compression === undefined ? content.length : plainLength;
  if (length > MAX_COMPRESSED_EXTENT) throw corrupt(`Cannot read extent: it is inline and has ${length} bytes`, offset);
  return {
    start: key.offset,
    end: key.offset + length,
    content: { kind: 'inline', bytes: content, compression },
    offset,
  };
}

function regularExtent({ key, bytes, offset }: Item, encoding: Encoding): FileExtent {
  if (bytes.length < EXTENT_REGULAR_SIZE) throw corrupt(`Cannot read extent: it has ${bytes.length} bytes`, offset);
  const raw = readFields(bytes, EXTENT_REGULAR, { format: 'btrfs', offset });
  const range = { start: key.offset, end: key.offset + raw.num_bytes, offset };
  if (raw.num_bytes === 0 || !Number.isSafeInteger(range.end)) {
    throw corrupt(`Cannot read extent: its length is ${raw.num_bytes}`, offset);
  }
  if (raw.disk_bytenr === 0) return { ...range, content: { kind: 'absent' } };
  const plainLength = encoding.compression === undefined ? raw.disk_num_bytes : encoding.plainLength;
  const stored = { address: raw.disk_bytenr, length: raw.disk_num_bytes, ...encoding, plainLength };
  if (raw.offset + raw.num_bytes > plainLength) throw corrupt('Cannot read extent: it ends before its part', offset);
  checkSize(stored, offset);
  return { ...range, content: { kind: 'stored', stored, within: raw.offset } };
}

/** What is compressed is read and unpacked at once, so there is a bound to it (security rule R8). */
function checkSize({ compression, length, plainLength }: StoredExtent, offset: number): void {
  if (compression === undefined || Math.max(length, plainLength) <= MAX_COMPRESSED_EXTENT) return;
  const state = `${length} bytes that stand for ${plainLength}, expected at most ${MAX_COMPRESSED_EXTENT}`;
  throw corrupt(`Cannot read compressed extent: ${state}`, offset);
}
