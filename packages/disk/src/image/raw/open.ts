import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import { readBuffer } from '../../source/read-buffer.ts';
import { readIntoUpToEnd } from '../../source/read-into.ts';
import type { DiskImage, Extent, ImageFacts } from '../image.ts';

const SECTOR_SIZE = 512;

export interface RawOptions {
  /** It is taken for raw only because nothing known matches it. */
  readonly byElimination?: boolean;
}

/**
 * Opens a source as the disk itself. There is nothing to detect: a source is raw when it is no other format (security rule R3).
 */
export function openRaw(source: ByteSource, options: RawOptions = {}): DiskImage {
  return new RawImage(source, options);
}

class RawImage implements DiskImage {
  readonly sizeBytes: number;
  readonly facts: ImageFacts;
  readonly #source: ByteSource;

  constructor(source: ByteSource, { byElimination = false }: RawOptions) {
    this.#source = source;
    // disks are made of whole sectors: what is missing of the last one reads as zero, as with qemu
    this.sizeBytes = Math.ceil(source.sizeBytes / SECTOR_SIZE) * SECTOR_SIZE;
    const odd = source.sizeBytes % SECTOR_SIZE;
    this.facts = {
      format: 'raw',
      virtual_size: this.sizeBytes,
      file_size: source.sizeBytes,
      details: byElimination ? { raw_by_elimination: true } : {},
      chain: [],
      warnings: [
        ...(byElimination ? ['raw by elimination: no known format matches'] : []),
        ...(odd === 0 ? [] : [`last sector has only ${odd} bytes, the rest reads as zero`]),
      ],
    };
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'raw' });
    if (offset + length <= this.#source.sizeBytes) return this.#source.read(offset, length);
    const bytes = readBuffer(length);
    readIntoUpToEnd(this.#source, offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length, { format: 'raw' });
    readIntoUpToEnd(this.#source, offset, target);
  }

  *extents(from = 0, to = this.sizeBytes): Iterable<Extent> {
    const end = Math.max(from, Math.min(to, this.#source.sizeBytes));
    if (from < end) yield { offset: from, length: end - from, kind: 'data' };
    if (end < to) yield { offset: end, length: to - end, kind: 'zero' };
  }
}
