// Castagnoli polynomial, reflected
const POLYNOMIAL = 0x82f63b78;
/** Bytes taken at a step: each has its own table, by its distance from the end of the step. */
const STRIDE = 16;
const TABLE = makeTables();

/** Continues a CRC-32C over `bytes`, without the usual inversions: start with 0xffffffff, and invert the end where a format asks. */
export function crc32c(seed: number, bytes: Uint8Array): number {
  return crc32cBetween(seed, bytes, 0, bytes.length);
}

/** The same over a part of `bytes`: making the smaller array costs as much as the sum of 200 bytes. */
export function crc32cBetween(seed: number, bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const whole = view.byteLength - (view.byteLength % STRIDE);
  let crc = seed | 0;
  for (let index = 0; index < whole; index += STRIDE) {
    crc =
      afterWord(0xc00, view.getInt32(index, true) ^ crc) ^
      afterWord(0x800, view.getInt32(index + 4, true)) ^
      afterWord(0x400, view.getInt32(index + 8, true)) ^
      afterWord(0x000, view.getInt32(index + 12, true));
  }
  for (let index = whole; index < view.byteLength; index++) crc = step(crc, view.getUint8(index));
  return crc >>> 0;
}

/** What becomes of four bytes, by the last of their four tables. */
function afterWord(table: number, word: number): number {
  return (
    (TABLE[table + 0x300 + (word & 0xff)] as number) ^
    (TABLE[table + 0x200 + ((word >>> 8) & 0xff)] as number) ^
    (TABLE[table + 0x100 + ((word >>> 16) & 0xff)] as number) ^
    (TABLE[table + (word >>> 24)] as number)
  );
}

function step(crc: number, byte: number): number {
  return (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);
}

/**
 * Tables of 256: what becomes of a byte after as many further bytes of zero. Each by a call of its own: one long loop is what V8
 * optimises while it runs, which takes longer than the loop and 6 MiB.
 */
function makeTables(): Int32Array {
  const tables = new Int32Array(STRIDE * 256);
  for (let byte = 0; byte < 256; byte++) tables[byte] = remainderOf(byte);
  for (let start = 256; start < tables.length; start += 256) fillFromPrevious(tables, start);
  return tables;
}

function fillFromPrevious(tables: Int32Array, start: number): void {
  for (let index = start; index < start + 256; index++) {
    const previous = tables[index - 256] as number;
    tables[index] = (previous >>> 8) ^ (tables[previous & 0xff] as number);
  }
}

function remainderOf(byte: number): number {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
}
