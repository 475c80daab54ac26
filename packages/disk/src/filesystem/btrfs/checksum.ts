import { hash } from 'node:crypto';
import { crc32c } from '../../crc32c.ts';
import { blake2b256 } from '../../hash/blake2b.ts';
import { xxhash64 } from '../../hash/xxhash64.ts';

/** How a filesystem makes the checksums of its blocks. */
export interface ChecksumType {
  readonly name: string;
  readonly size: number;
  compute(bytes: Uint8Array): Uint8Array;
}

/** By the number that the superblock says. */
export const CHECKSUM_TYPES: readonly ChecksumType[] = [
  { name: 'crc32c', size: 4, compute: (bytes) => littleEndian32(~crc32c(0xffffffff, bytes)) },
  { name: 'xxhash64', size: 8, compute: xxhash64 },
  { name: 'sha256', size: 32, compute: (bytes) => hash('sha256', bytes, 'buffer') },
  { name: 'blake2b-256', size: 32, compute: blake2b256 },
];

/** Whether `stored` starts with the checksum of `bytes`. */
export function matches(type: ChecksumType, bytes: Uint8Array, stored: Uint8Array): boolean {
  const computed = type.compute(bytes);
  for (let index = 0; index < computed.length; index++) if (computed[index] !== stored[index]) return false;
  return true;
}

function littleEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
