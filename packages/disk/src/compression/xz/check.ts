import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc64 } from './crc64.ts';
import { unsupported } from './error.ts';

/** What a block's content is checked by. */
export interface Check {
  readonly sizeBytes: number;
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

const CHECKS: ReadonlyMap<number, () => Check> = new Map([
  [0x00, (): Check => ({ sizeBytes: 0, update: () => {}, digest: () => new Uint8Array(0) })],
  [0x01, () => checkOf(4, new Crc32())],
  [0x04, () => checkOf(8, new Crc64())],
  [0x0a, sha256],
]);

/** How to check the blocks of a stream, by the number in its header. */
export function checkMaker(id: number, offset: number): () => Check {
  const maker = CHECKS.get(id);
  if (maker === undefined)
    throw unsupported('stream', `check ${id} is unknown, expected none, CRC32, CRC64 or SHA-256`, offset);
  return maker;
}

class Crc32 {
  #sum = 0;

  update(bytes: Uint8Array): void {
    this.#sum = crc32(bytes, this.#sum);
  }

  digest(): Uint8Array {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(this.#sum);
    return bytes;
  }
}

function checkOf(sizeBytes: number, sum: { update(bytes: Uint8Array): void; digest(): Uint8Array }): Check {
  return { sizeBytes, update: (bytes) => sum.update(bytes), digest: () => sum.digest() };
}

function sha256(): Check {
  const hash = createHash('sha256');
  return { sizeBytes: 32, update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}
