import { crc32 } from 'node:zlib';
import type { ByteInput } from './byte-input.ts';
import type { Check } from './check.ts';
import { corrupt, unsupported } from './error.ts';
import { type Filter, makeFilter } from './filters.ts';
import {
  BLOCK_FLAGS_FILTERS,
  BLOCK_FLAGS_RESERVED,
  BLOCK_HAS_COMPRESSED_SIZE,
  BLOCK_HAS_UNCOMPRESSED_SIZE,
  FILTER_LZMA2,
  LARGEST_WINDOW,
} from './layout.ts';
import { decodeLzma2 } from './lzma2.ts';
import { readVariable } from './variable.ts';
import { Window } from './window.ts';

type Emit = (piece: Uint8Array) => void;

/** What the index says of a block again. */
export interface BlockSizes {
  /** Header, compressed bytes and check, without padding. */
  readonly unpadded: number;
  readonly uncompressed: number;
}

interface BlockHeader {
  readonly compressed: number | undefined;
  readonly uncompressed: number | undefined;
  readonly windowSize: number;
  readonly filters: readonly { readonly id: number; readonly properties: Uint8Array }[];
}

/** Decodes a block whose header's size byte was read already. */
export function decodeBlock(input: ByteInput, sizeByte: number, check: Check, emit: Emit): BlockSizes {
  const start = input.offset - 1;
  const header = readBlockHeader(input, sizeByte);
  const contentStart = input.offset;
  const uncompressed = decodeContent(input, header, start, (piece) => {
    check.update(piece);
    emit(piece);
  });
  const compressed = input.offset - contentStart;
  expectSize('compressed', header.compressed, compressed, start);
  expectSize('uncompressed', header.uncompressed, uncompressed, start);
  skipPadding(input, contentStart);
  const at = input.offset;
  if (!Buffer.from(input.take(check.sizeBytes)).equals(check.digest()))
    throw corrupt('block', 'its check does not match', at);
  return { unpadded: contentStart - start + compressed + check.sizeBytes, uncompressed };
}

function decodeContent(input: ByteInput, { filters, windowSize }: BlockHeader, start: number, emit: Emit): number {
  let produced = 0;
  let push: Emit = (piece) => {
    produced += piece.length;
    emit(piece);
  };
  // the first filter is undone last
  const chain: Filter[] = [];
  for (const { id, properties } of filters) {
    const filter = makeFilter(id, properties, start, push);
    chain.unshift(filter);
    push = (piece) => filter.push(piece);
  }
  decodeLzma2(input, new Window(windowSize, push));
  for (const filter of chain) filter.finish();
  return produced;
}

function expectSize(what: string, said: number | undefined, found: number, offset: number): void {
  if (said === undefined || said === found) return;
  throw corrupt('block', `${what} size is ${found}, expected ${said}`, offset);
}

function skipPadding(input: ByteInput, contentStart: number): void {
  while ((input.offset - contentStart) % 4 !== 0) {
    if (input.byte() !== 0) throw corrupt('block', 'its padding is not zero', input.offset - 1);
  }
}

function readBlockHeader(input: ByteInput, sizeByte: number): BlockHeader {
  const offset = input.offset - 1;
  const bytes = Buffer.concat([Uint8Array.of(sizeByte), input.take(sizeByte * 4 + 3)]);
  const end = bytes.length - 4;
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end)))
    throw corrupt('block header', 'checksum is wrong', offset);
  return parseBlockHeader(bytes.subarray(1, end), offset);
}

function parseBlockHeader(bytes: Uint8Array, offset: number): BlockHeader {
  const cursor = { bytes, at: 0, offset };
  const flags = takeByte(cursor);
  if ((flags & BLOCK_FLAGS_RESERVED) !== 0)
    throw unsupported('block header', `flags are ${flags}, some are unknown`, offset);
  const compressed = (flags & BLOCK_HAS_COMPRESSED_SIZE) === 0 ? undefined : takeVariable(cursor);
  const uncompressed = (flags & BLOCK_HAS_UNCOMPRESSED_SIZE) === 0 ? undefined : takeVariable(cursor);
  const filters = Array.from({ length: (flags & BLOCK_FLAGS_FILTERS) + 1 }, () => takeFilter(cursor));
  if (bytes.subarray(cursor.at).some((byte) => byte !== 0))
    throw unsupported('block header', 'it has unknown fields', offset);
  const last = filters.pop();
  if (last?.id !== FILTER_LZMA2)
    throw unsupported('block header', `last filter is ${last?.id}, expected LZMA2`, offset);
  return { compressed, uncompressed, filters, windowSize: windowSize(last.properties, offset) };
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly offset: number;
}

function takeByte(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.at++];
  if (byte === undefined) throw corrupt('block header', 'it ends too early', cursor.offset);
  return byte;
}

function takeVariable(cursor: Cursor): number {
  return readVariable(() => takeByte(cursor), cursor.offset);
}

function takeFilter(cursor: Cursor): { readonly id: number; readonly properties: Uint8Array } {
  const id = takeVariable(cursor);
  const length = takeVariable(cursor);
  if (length > cursor.bytes.length - cursor.at) throw corrupt('block header', 'a filter leaves it', cursor.offset);
  cursor.at += length;
  return { id, properties: cursor.bytes.subarray(cursor.at - length, cursor.at) };
}

/** Two or three times a power of two, from 4 KiB on. */
function windowSize(properties: Uint8Array, offset: number): number {
  const [bits] = properties;
  if (properties.length !== 1 || bits === undefined || bits > 40)
    throw corrupt('block header', 'LZMA2 properties are wrong', offset);
  const size = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
  if (size <= LARGEST_WINDOW) return size;
  throw unsupported('block', `window of ${size} bytes is needed, expected at most ${LARGEST_WINDOW}`, offset);
}
