import { crc32c } from '../../crc32c.ts';
import { CHECKSUM_AT } from './layout.ts';

const NO_CHECKSUM = new Uint8Array(4);

/** Whether the CRC-32C in a structure is that of its bytes. The structure may come in pieces, the first with the checksum. */
export function checksumHolds(first: Uint8Array, ...more: readonly Uint8Array[]): boolean {
  let crc = crc32c(0xffffffff, first.subarray(0, CHECKSUM_AT));
  crc = crc32c(crc, NO_CHECKSUM);
  crc = crc32c(crc, first.subarray(CHECKSUM_AT + 4));
  for (const piece of more) crc = crc32c(crc, piece);
  return ~crc >>> 0 === new DataView(first.buffer, first.byteOffset).getUint32(CHECKSUM_AT, true);
}
