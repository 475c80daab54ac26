import { inflateSync } from 'node:zlib';
import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { Lru } from '../../lru.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { corrupt } from './error.ts';
import {
  ZISOFS_ALGORITHM,
  ZISOFS_BLOCK_LOG,
  ZISOFS_ENTRY,
  ZISOFS_HEADER,
  ZISOFS_HEADER_SIZE,
  ZISOFS_MAGIC,
} from './layout.ts';

const POINTER_SIZE = 4;
const KEPT_BYTES = 1024 * 1024;

/** How a file is packed: in blocks, by zlib. */
export interface Zisofs {
  readonly algorithm: string;
  readonly headerSize: number;
  readonly blockLog: number;
  readonly sizeBytes: number;
}

export function parseZisofsEntry(content: Uint8Array, at: number): Zisofs {
  const { header_size, block_log, size } = readFields(content, ZISOFS_ENTRY, { format: 'iso9660', offset: at });
  const algorithm = new TextDecoder('latin1').decode(content.subarray(0, 2));
  return { algorithm, headerSize: header_size * 4, blockLog: block_log, sizeBytes: size };
}

/** The content of a packed file. `at` is where it is, for errors. */
export function openZisofs(stored: ByteSource, { algorithm, sizeBytes }: Zisofs, at: number): MappedSource {
  if (algorithm !== ZISOFS_ALGORITHM) {
    const message = `Cannot open file: it is packed by zisofs ${quote(algorithm)}, expected "${ZISOFS_ALGORITHM}"`;
    throw new DiskError('unsupported', message, { format: 'iso9660', offset: at });
  }
  const { header_size, block_log, size } = readHeader(stored, at);
  if (size !== sizeBytes) throw corrupt(`Cannot open packed file: it holds ${size} bytes, expected ${sizeBytes}`, at);
  if (block_log < ZISOFS_BLOCK_LOG.least || block_log > ZISOFS_BLOCK_LOG.most) {
    throw corrupt(`Cannot open packed file: its blocks have 2^${block_log} bytes, expected 2^15 to 2^17`, at);
  }
  const content = new ZisofsContent({ stored, at, tableAt: header_size * 4, blockSize: 2 ** block_log, sizeBytes });
  return new PieceSource(sizeBytes, (offset) => content.pieceAt(offset));
}

function readHeader(stored: ByteSource, at: number) {
  const bytes = stored.read(0, Math.min(ZISOFS_HEADER_SIZE, stored.sizeBytes));
  const header = readFields(bytes, ZISOFS_HEADER, { format: 'iso9660', offset: at });
  const isHeader =
    ZISOFS_MAGIC.every((byte, index) => bytes[index] === byte) && header.header_size * 4 >= ZISOFS_HEADER_SIZE;
  if (isHeader) return header;
  throw corrupt('Cannot open packed file: it does not begin with a header of zisofs', at);
}

interface Packed {
  readonly stored: ByteSource;
  readonly at: number;
  /** Behind the header: where each block begins, and where the last ends. */
  readonly tableAt: number;
  readonly blockSize: number;
  readonly sizeBytes: number;
}

class ZisofsContent {
  readonly #packed: Packed;
  readonly #blocks = new Lru<number, Uint8Array>(KEPT_BYTES, ({ length }) => length);

  constructor(packed: Packed) {
    this.#packed = packed;
  }

  pieceAt(offset: number): Piece {
    const { blockSize, sizeBytes } = this.#packed;
    const index = Math.floor(offset / blockSize);
    const within = offset % blockSize;
    const length = Math.min(blockSize - within, sizeBytes - offset);
    const { start, end } = this.#place(index);
    if (start === end) return { kind: 'absent', length };
    return { kind: 'computed', length, compute: (count) => this.#block(index).subarray(within, within + count) };
  }

  #place(index: number): { readonly start: number; readonly end: number } {
    const { stored, at, tableAt } = this.#packed;
    const entry = tableAt + index * POINTER_SIZE;
    if (entry + 2 * POINTER_SIZE > stored.sizeBytes) throw corrupt('Cannot read packed file: its table is cut', at);
    const { start, end } = readFields(stored.read(entry, 2 * POINTER_SIZE), { start: [0, 'u32'], end: [4, 'u32'] });
    if (start <= end && end <= stored.sizeBytes && end - start <= 2 * this.#packed.blockSize) return { start, end };
    throw corrupt(`Cannot read packed file: block ${index} lies from ${start} to ${end} of ${stored.sizeBytes}`, at);
  }

  #block(index: number): Uint8Array {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const { stored, at, blockSize, sizeBytes } = this.#packed;
    const { start, end } = this.#place(index);
    const length = Math.min(blockSize, sizeBytes - index * blockSize);
    const block = inflate(stored.read(start, end - start), length, at + start);
    this.#blocks.set(index, block);
    return block;
  }
}

function inflate(packed: Uint8Array, length: number, at: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(packed, { maxOutputLength: length });
  } catch (cause) {
    const message = 'Cannot read packed file: a block of it is damaged, or holds more than it may';
    throw new DiskError('corrupt', message, { format: 'iso9660', offset: at, cause });
  }
  if (bytes.length === length) return bytes;
  throw corrupt(`Cannot read packed file: a block holds ${bytes.length} bytes, expected ${length}`, at);
}
