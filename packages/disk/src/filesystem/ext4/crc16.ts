// x^16 + x^15 + x^2 + 1, reflected
const POLYNOMIAL = 0xa001;

/** Continues the CRC-16 that gdt_csum keeps over group descriptors: a few dozen bytes, so there is no table. */
export function crc16(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return crc;
}
