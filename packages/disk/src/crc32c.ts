// Castagnoli polynomial, reflected
const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/** Continues a CRC-32C over `bytes`, without the usual inversions: start with 0xffffffff, and invert the end where a format asks. */
export function crc32c(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (let index = 0; index < bytes.length; index++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[index] as number)) & 0xff] as number);
  }
  return crc >>> 0;
}
