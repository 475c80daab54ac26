import { DiskError } from '../error.ts';

/** Each chunk unpacks to this much, and refers to nothing before itself. */
const CHUNK_BYTES = 4096;
const HEADER_BYTES = 2;
const IS_COMPRESSED = 0x8000;
const SIZE_MASK = 0xfff;
const SHORTEST_MATCH = 3;
/** Of the 16 bits of a match, at least this many are for its distance. */
const LEAST_DISTANCE_BITS = 4;

/**
 * Unpacks LZNT1 (MS-XCA 2.5) to `sizeBytes`. What chunks leave open is zero.
 * @throws DiskError `corrupt`, with the offset in what is packed
 */
export function decodeLznt1(packed: Uint8Array, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0, start = 0; start < sizeBytes && at + HEADER_BYTES <= packed.length; start += CHUNK_BYTES) {
    const header = u16(packed, at);
    if (header === 0) break;
    const end = at + HEADER_BYTES + (header & SIZE_MASK) + 1;
    if (end > packed.length) throw corrupt(`a chunk ends at ${end} of ${packed.length}`, at);
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    const body = packed.subarray(at + HEADER_BYTES, end);
    if ((header & IS_COMPRESSED) !== 0) decodeChunk(body, chunk, at + HEADER_BYTES);
    else chunk.set(body.subarray(0, chunk.length));
    at = end;
  }
  return bytes;
}

/** Eight tokens follow a byte that says which of them are literals, and which are matches. */
function decodeChunk(packed: Uint8Array, chunk: Uint8Array, offset: number): void {
  let at = 0;
  let done = 0;
  while (at < packed.length) {
    const kinds = packed[at++] as number;
    for (let token = 0; token < 8 && at < packed.length && done < chunk.length; token++) {
      if ((kinds & (1 << token)) === 0) {
        chunk[done++] = packed[at++] as number;
        continue;
      }
      if (at + 2 > packed.length) throw corrupt('a chunk ends within a match', offset + at);
      done = copyMatch(chunk, done, u16(packed, at), offset + at);
      at += 2;
    }
    if (done === chunk.length) return;
  }
}

/** @returns where the chunk goes on */
function copyMatch(chunk: Uint8Array, done: number, match: number, offset: number): number {
  const lengthBits = 16 - distanceBits(done);
  const distance = (match >> lengthBits) + 1;
  const length = (match & ((1 << lengthBits) - 1)) + SHORTEST_MATCH;
  if (distance > done) throw corrupt(`a match ${distance} bytes back after ${done}`, offset);
  const end = Math.min(done + length, chunk.length);
  // byte by byte: a match may overlap itself
  for (let index = done; index < end; index++) chunk[index] = chunk[index - distance] as number;
  return end;
}

/** As many as it takes to reach the start of the chunk. */
function distanceBits(done: number): number {
  return Math.max(LEAST_DISTANCE_BITS, 32 - Math.clz32(done - 1));
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function corrupt(state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot unpack LZNT1: ${state}`, { format: 'lznt1', offset });
}
