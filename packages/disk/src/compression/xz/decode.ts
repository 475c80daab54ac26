import { crc32 } from 'node:zlib';
import { readFields } from '../../fields.ts';
import { decodeBlock } from './block.ts';
import { ByteInput } from './byte-input.ts';
import { checkMaker } from './check.ts';
import { corrupt } from './error.ts';
import {
  FOOTER_MAGIC,
  INDEX_INDICATOR,
  STREAM_FLAGS_CHECK_SHIFT,
  STREAM_FLAGS_RESERVED,
  STREAM_FOOTER,
  STREAM_HEADER,
  STREAM_HEADER_SIZE,
  STREAM_MAGIC,
} from './layout.ts';
import { IndexTally, readIndex } from './stream-index.ts';

const PLACE = { format: 'xz' };

/**
 * Decodes a whole .xz file that is at hand.
 * @throws DiskError `corrupt` when it holds more than `maxBytes`
 */
export function decodeXz(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let total = 0;
  decodeXzStream(ByteInput.of(bytes), (piece) => {
    total += piece.length;
    if (total > maxBytes) throw corrupt('stream', `it holds more than ${maxBytes} bytes`);
    pieces.push(piece.slice());
  });
  return Buffer.concat(pieces, total);
}

/**
 * Decodes a .xz file as it comes: streams one after the other, with padding between. A piece handed to `emit` is valid until
 * `emit` returns; how many there may be is the caller's to bound.
 */
export function decodeXzStream(input: ByteInput, emit: (piece: Uint8Array) => void): void {
  decodeStream(input, emit);
  while (!input.isAtEnd()) {
    const word = Buffer.from(input.take(4));
    if (word.readUInt32LE() === 0) continue;
    decodeStream(input, emit, word);
  }
}

function decodeStream(
  input: ByteInput,
  emit: (piece: Uint8Array) => void,
  begun: Uint8Array = new Uint8Array(0),
): void {
  const offset = input.offset - begun.length;
  const flags = readStreamHeader(Buffer.concat([begun, input.take(STREAM_HEADER_SIZE - begun.length)]), offset);
  const makeCheck = checkMaker(flags >> STREAM_FLAGS_CHECK_SHIFT, offset);
  const tally = new IndexTally();
  for (;;) {
    const sizeByte = input.byte();
    if (sizeByte === INDEX_INDICATOR) break;
    tally.add(decodeBlock(input, sizeByte, makeCheck(), emit));
  }
  const indexSize = readIndex(input, tally);
  readStreamFooter(input, flags, indexSize);
}

function readStreamHeader(bytes: Uint8Array, offset: number): number {
  if (Buffer.compare(bytes.subarray(0, STREAM_MAGIC.length), STREAM_MAGIC) !== 0) {
    throw corrupt('stream', 'it does not begin with the signature', offset);
  }
  const header = readFields(bytes, STREAM_HEADER, { ...PLACE, offset });
  if (header.crc32 !== crc32(bytes.subarray(6, 8))) throw corrupt('stream header', 'checksum is wrong', offset);
  if ((header.flags & STREAM_FLAGS_RESERVED) !== 0) throw corrupt('stream header', 'reserved flags are set', offset);
  return header.flags;
}

function readStreamFooter(input: ByteInput, flags: number, indexSize: number): void {
  const offset = input.offset;
  const bytes = input.take(STREAM_HEADER_SIZE);
  const footer = readFields(bytes, STREAM_FOOTER, { ...PLACE, offset });
  if (footer.magic !== FOOTER_MAGIC || footer.crc32 !== crc32(bytes.subarray(4, 10))) {
    throw corrupt('stream footer', 'signature or checksum is wrong', offset);
  }
  if (footer.flags !== flags) throw corrupt('stream footer', 'its flags are not those of the header', offset);
  if ((footer.backward_size + 1) * 4 !== indexSize)
    throw corrupt('stream footer', 'size of the index is wrong', offset);
}
