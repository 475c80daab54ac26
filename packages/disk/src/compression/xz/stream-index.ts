import { crc32 } from 'node:zlib';
import type { BlockSizes } from './block.ts';
import type { ByteInput } from './byte-input.ts';
import { corrupt } from './error.ts';
import { readVariable } from './variable.ts';

/** A fingerprint of the sizes of blocks: there may be too many to keep. */
export class IndexTally {
  count = 0;
  #sum = 0;
  readonly #pair = new Float64Array(2);
  readonly #bytes = new Uint8Array(this.#pair.buffer);

  add({ unpadded, uncompressed }: BlockSizes): void {
    this.count++;
    this.#pair[0] = unpadded;
    this.#pair[1] = uncompressed;
    this.#sum = crc32(this.#bytes, this.#sum);
  }

  equals(other: IndexTally): boolean {
    return this.count === other.count && this.#sum === other.#sum;
  }
}

/** Reads the index after its first byte, and compares it with the blocks that were seen. @returns its size with all its parts */
export function readIndex(input: ByteInput, blocks: IndexTally): number {
  const start = input.offset - 1;
  let sum = crc32(Uint8Array.of(0));
  const byte = (): number => {
    const value = input.byte();
    sum = crc32(Uint8Array.of(value), sum);
    return value;
  };
  const count = readVariable(byte, start);
  if (count !== blocks.count) throw corrupt('index', `it lists ${count} blocks, expected ${blocks.count}`, start);
  const listed = new IndexTally();
  while (listed.count < count) {
    listed.add({ unpadded: readVariable(byte, start), uncompressed: readVariable(byte, start) });
  }
  while ((input.offset - start) % 4 !== 0) {
    if (byte() !== 0) throw corrupt('index', 'its padding is not zero', input.offset - 1);
  }
  if (!listed.equals(blocks)) throw corrupt('index', 'its sizes are not those of the blocks', start);
  if (Buffer.from(input.take(4)).readUInt32LE() !== sum) throw corrupt('index', 'checksum is wrong', start);
  return input.offset - start;
}
