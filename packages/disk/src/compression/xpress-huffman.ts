import { DiskError } from '../error.ts';
import { CanonicalCode } from './canonical-code.ts';
import { copyMatch } from './match.ts';
import { WordBits } from './word-bits.ts';

const SYMBOLS = 512;
/** The lengths of the codes, two to a byte. */
const LENGTHS_BYTES = SYMBOLS / 2;
const LITERALS = 256;
const SHORTEST_MATCH = 3;
const LONG_LENGTH = 15;
/** One code serves for so much; what WOF packs at once is less. */
const MOST_BYTES = 64 * 1024;

/**
 * Unpacks LZ77+Huffman (MS-XCA 2.1, "XPRESS Huffman") to `sizeBytes`, at most 64 KiB.
 * @throws DiskError `corrupt`, with the offset in what is packed
 */
export function decodeXpressHuffman(packed: Uint8Array, sizeBytes: number): Uint8Array {
  if (sizeBytes > MOST_BYTES) throw new RangeError(`Cannot unpack ${sizeBytes} bytes at once, expected at most 65536`);
  const code = readCode(packed);
  const bits = new WordBits(packed, LENGTHS_BYTES);
  const bytes = new Uint8Array(sizeBytes);
  // what is read ahead of a match is part of the format: its length may be in bytes behind the words
  bits.fill();
  for (let at = 0; at < sizeBytes; ) {
    const symbol = code.read(bits);
    if (symbol === undefined || bits.isOverrun) throw corrupt('a code that is none', bits.position);
    if (symbol < LITERALS) {
      bytes[at++] = symbol;
      continue;
    }
    const { length, distance } = readMatch(bits, symbol - LITERALS);
    if (!copyMatch(bytes, at, distance, length)) {
      throw corrupt(`a match of ${length} bytes ${distance} back after ${at} of ${sizeBytes}`, bits.position);
    }
    at += length;
  }
  return bytes;
}

function readCode(packed: Uint8Array): CanonicalCode {
  if (packed.length < LENGTHS_BYTES) throw corrupt('the code is cut', packed.length);
  const lengths = Uint8Array.from({ length: SYMBOLS }, (_, symbol) => {
    const pair = packed[symbol >> 1] as number;
    return symbol % 2 === 0 ? pair & 0xf : pair >> 4;
  });
  const code = CanonicalCode.of(lengths);
  if (code !== undefined) return code;
  throw corrupt('the code has more symbols than its lengths allow', 0);
}

function readMatch(bits: WordBits, symbol: number) {
  const distanceBits = symbol >> 4;
  bits.fill();
  const length = readLength(bits, symbol & 0xf) + SHORTEST_MATCH;
  return { length, distance: (1 << distanceBits) + (distanceBits === 0 ? 0 : bits.read(distanceBits)) };
}

function readLength(bits: WordBits, short: number): number {
  if (short < LONG_LENGTH) return short;
  const byte = bits.byte();
  if (byte < 0xff) return LONG_LENGTH + byte;
  return bits.u16() || bits.u32();
}

function corrupt(state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot unpack XPRESS: ${state}`, { format: 'xpress', offset });
}
