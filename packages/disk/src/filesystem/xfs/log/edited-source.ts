import { DiskError } from '../../../error.ts';
import type { ByteSource } from '../../../source/byte-source.ts';
import { OverlaySource, type OverlayWrite } from '../../../source/overlay-source.ts';
import { BASIC_BLOCK } from '../layout.ts';

/** What a log may change at most: all of it is kept in memory. */
const MAX_EDITED_BYTES = 256 * 2 ** 20;

/** A source whose blocks are changed in memory one after the other, the file below untouched. */
export class EditedSource {
  readonly #below: ByteSource;
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(below: ByteSource) {
    this.#below = below;
  }

  /** A copy of whole blocks as they are by now. */
  read(offset: number, length: number): Uint8Array {
    const bytes = this.#below.read(offset, length).slice();
    for (let at = 0; at < length; at += BASIC_BLOCK) {
      const block = this.#blocks.get((offset + at) / BASIC_BLOCK);
      if (block !== undefined) bytes.set(block, at);
    }
    return bytes;
  }

  /** Takes over whole blocks. */
  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BASIC_BLOCK) {
      this.#blocks.set((offset + at) / BASIC_BLOCK, bytes.subarray(at, at + BASIC_BLOCK));
    }
    if (this.#blocks.size * BASIC_BLOCK <= MAX_EDITED_BYTES) return;
    throw new DiskError('unsupported', 'Cannot replay log: it changes more than 256 MiB', { format: 'xfs' });
  }

  /** The source with all changes. */
  toSource(): ByteSource {
    return new OverlaySource(this.#below, this.#runs());
  }

  *#runs(): Generator<OverlayWrite> {
    for (const block of [...this.#blocks.keys()].sort((one, other) => one - other)) {
      const start = block * BASIC_BLOCK;
      yield { start, end: start + BASIC_BLOCK, bytes: this.#blocks.get(block) as Uint8Array };
    }
  }
}
