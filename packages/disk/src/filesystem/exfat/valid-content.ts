import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import { readBuffer } from '../../source/read-buffer.ts';

/** Content of which only the front was written: the rest is allocated, and reads as zeros whatever lies there. */
export class ValidContent implements ByteSource {
  readonly sizeBytes: number;
  readonly #written: ByteSource;

  constructor(written: ByteSource, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#written = written;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'exfat' });
    const valid = Math.min(length, Math.max(0, this.#written.sizeBytes - offset));
    if (valid === length) return this.#written.read(offset, length);
    const bytes = readBuffer(length);
    if (valid > 0) bytes.set(this.#written.read(offset, valid));
    return bytes;
  }
}
