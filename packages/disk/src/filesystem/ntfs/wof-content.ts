import { decodeLzx } from '../../compression/lzx.ts';
import { decodeXpressHuffman } from '../../compression/xpress-huffman.ts';
import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { Lru } from '../../lru.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, WOF_MAX_NARROW_BYTES, WOF_POINT, WOF_PROVIDER, WOF_STREAM } from './layout.ts';
import type { ReparsePoint } from './reparse-point.ts';

interface Packing {
  readonly chunkBytes: number;
  readonly decode: (packed: Uint8Array, sizeBytes: number) => Uint8Array;
}

/** XPRESS4K, LZX, XPRESS8K, XPRESS16K, by number. */
const PACKINGS: readonly Packing[] = [
  { chunkBytes: 4096, decode: decodeXpressHuffman },
  { chunkBytes: 32_768, decode: decodeLzx },
  { chunkBytes: 8192, decode: decodeXpressHuffman },
  { chunkBytes: 16_384, decode: decodeXpressHuffman },
];

/**
 * The content of a file that the Windows Overlay Filter packed ("compact" files): in a stream of its own, while the content itself
 * is a hole.
 */
export function openWof(file: NtfsFile, { data, offset }: ReparsePoint): ByteSource {
  const { provider, algorithm } = readFields(data, WOF_POINT, { format: 'ntfs', offset });
  const packing = provider === WOF_PROVIDER.FILE ? PACKINGS[algorithm] : undefined;
  if (packing === undefined) {
    const state =
      provider === WOF_PROVIDER.WIM ? 'it is in a WIM archive' : `packed by ${hex(provider)}, ${hex(algorithm)}`;
    const message = `Cannot open file record ${file.record.number}: its content is kept by WOF: ${state}`;
    throw new DiskError('unsupported', message, { format: 'ntfs', offset });
  }
  const packed = file.content(ATTRIBUTE_TYPE.DATA, WOF_STREAM);
  const sizeBytes = file.content(ATTRIBUTE_TYPE.DATA)?.sizeBytes ?? 0;
  if (packed === undefined)
    throw corrupt(`Cannot open file record ${file.record.number}: it has no stream "${WOF_STREAM}"`, offset);
  return new WofContent(packed, packing, sizeBytes, offset);
}

const KEPT_BYTES = 1024 * 1024;

/** Chunks that are packed one by one, behind a table of where they begin; the first begins right behind it. */
class WofContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #packed: ByteSource;
  readonly #packing: Packing;
  readonly #offset: number;
  readonly #chunks = new Lru<number, Uint8Array>(KEPT_BYTES, (chunk) => chunk.length);

  constructor(packed: ByteSource, packing: Packing, sizeBytes: number, offset: number) {
    this.sizeBytes = sizeBytes;
    this.#packed = packed;
    this.#packing = packing;
    this.#offset = offset;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'ntfs' });
    const { chunkBytes } = this.#packing;
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / chunkBytes);
      const within = offset + done - index * chunkBytes;
      const piece = this.#chunk(index).subarray(within, within + length - done);
      bytes.set(piece, done);
      done += piece.length;
    }
    return bytes;
  }

  #chunk(index: number): Uint8Array {
    const known = this.#chunks.get(index);
    if (known !== undefined) return known;
    const chunk = this.#unpack(index);
    this.#chunks.set(index, chunk);
    return chunk;
  }

  #unpack(index: number): Uint8Array {
    const start = this.#startOf(index);
    const packedBytes = this.#startOf(index + 1) - start;
    const { chunkBytes, decode } = this.#packing;
    const size = Math.min(chunkBytes, this.sizeBytes - index * chunkBytes);
    if (packedBytes < 0 || packedBytes > size) {
      throw corrupt(`Cannot read packed chunk ${index}: it has ${packedBytes} bytes for ${size}`, this.#offset);
    }
    const packed = this.#packed.read(start, packedBytes);
    // what does not become smaller is left as it is
    if (packedBytes === size) return packed;
    try {
      return decode(packed, size);
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause;
      const message = `Cannot read packed chunk ${index}: ${cause.message}`;
      throw new DiskError(cause.kind, message, { format: 'ntfs', offset: this.#offset, cause });
    }
  }

  /** Where in the stream a chunk begins; the one behind the last, where it ends. */
  #startOf(index: number): number {
    const chunks = Math.ceil(this.sizeBytes / this.#packing.chunkBytes);
    if (index === chunks) return this.#packed.sizeBytes;
    const isNarrow = this.sizeBytes <= WOF_MAX_NARROW_BYTES;
    const width = isNarrow ? 4 : 8;
    const table = (chunks - 1) * width;
    if (index === 0) return table;
    const entry = this.#packed.read((index - 1) * width, width);
    return table + readFields(entry, { start: [0, isNarrow ? 'u32' : 'u64'] } as const).start;
  }
}
