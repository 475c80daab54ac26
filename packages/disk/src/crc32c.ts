// Castagnoli polynomial, reflected
const POLYNOMIAL = 0x82f63b78;
/** Bytes taken at a step: each has its own table, by its distance from the end of the step. */
const STRIDE = 8;
const TABLE = makeTables();

/** Continues a CRC-32C over `bytes`, without the usual inversions: start with 0xffffffff, and invert the end where a format asks. */
export function crc32c(seed: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % STRIDE);
  let crc = seed | 0;
  for (let index = 0; index < whole; index += STRIDE) {
    const low = view.getInt32(index, true) ^ crc;
    const high = view.getInt32(index + 4, true);
    crc =
      (TABLE[0x700 | (low & 0xff)] as number) ^
      (TABLE[0x600 | ((low >>> 8) & 0xff)] as number) ^
      (TABLE[0x500 | ((low >>> 16) & 0xff)] as number) ^
      (TABLE[0x400 | (low >>> 24)] as number) ^
      (TABLE[0x300 | (high & 0xff)] as number) ^
      (TABLE[0x200 | ((high >>> 8) & 0xff)] as number) ^
      (TABLE[0x100 | ((high >>> 16) & 0xff)] as number) ^
      (TABLE[high >>> 24] as number);
  }
  for (let index = whole; index < bytes.length; index++) crc = step(crc, view.getUint8(index));
  return crc >>> 0;
}

function step(crc: number, byte: number): number {
  return (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);
}

/** Eight tables of 256: what becomes of a byte after as many further bytes of zero. */
function makeTables(): Int32Array {
  const table = new Int32Array(STRIDE * 256);
  for (let byte = 0; byte < 256; byte++) table[byte] = remainderOf(byte);
  for (let index = 256; index < table.length; index++) {
    const previous = table[index - 256] as number;
    table[index] = (previous >>> 8) ^ (table[previous & 0xff] as number);
  }
  return table;
}

function remainderOf(byte: number): number {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
}
