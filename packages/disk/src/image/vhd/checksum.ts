import { hex } from '../../hex.ts';
import { corrupt } from './error.ts';

/** Compares the sum of all bytes but those of the checksum itself, inverted, with the checksum at `checksumAt`. */
export function verifyChecksum(bytes: Uint8Array, checksumAt: number, what: string, at: number): void {
  let sum = 0;
  for (let index = 0; index < bytes.length; index++) {
    if (index < checksumAt || index >= checksumAt + 4) sum += bytes[index] ?? 0;
  }
  const expected = ~sum >>> 0;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(checksumAt);
  if (stored !== expected) {
    throw corrupt(what, `checksum is ${hex(stored)}, its bytes add up to ${hex(expected)}`, at + checksumAt);
  }
}
