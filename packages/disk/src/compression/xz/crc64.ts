// polynomial of ECMA-182, reflected, as halves of 32 bits
const POLYNOMIAL_HIGH = 0xc96c5795;
const POLYNOMIAL_LOW = 0xd7870f42;
/** Bytes taken at a step: each has its own table, by its distance from the end of the step. */
const STRIDE = 4;
const HIGH = new Int32Array(STRIDE * 256);
const LOW = new Int32Array(STRIDE * 256);
makeTables();

/** The checksum of bytes that come in pieces. */
export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    const whole = bytes.length - (bytes.length % STRIDE);
    for (let index = 0; index < whole; index += STRIDE) {
      const first = ((low ^ (bytes[index] as number)) & 0xff) | 0x300;
      const second = (((low >>> 8) ^ (bytes[index + 1] as number)) & 0xff) | 0x200;
      const third = (((low >>> 16) ^ (bytes[index + 2] as number)) & 0xff) | 0x100;
      const fourth = (low >>> 24) ^ (bytes[index + 3] as number);
      low = high ^ at(LOW, first) ^ at(LOW, second) ^ at(LOW, third) ^ at(LOW, fourth);
      high = at(HIGH, first) ^ at(HIGH, second) ^ at(HIGH, third) ^ at(HIGH, fourth);
    }
    for (let index = whole; index < bytes.length; index++) {
      const entry = (low ^ (bytes[index] as number)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ at(LOW, entry);
      high = (high >>> 8) ^ at(HIGH, entry);
    }
    this.#high = high;
    this.#low = low;
  }

  /** Its eight bytes, the lowest first. */
  digest(): Uint8Array {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setInt32(0, ~this.#low, true);
    bytes.setInt32(4, ~this.#high, true);
    return new Uint8Array(bytes.buffer);
  }
}

function at(table: Int32Array, index: number): number {
  return table[index] as number;
}

/** What becomes of a byte after as many further bytes of zero as its table is far from the first. */
function makeTables(): void {
  for (let byte = 0; byte < 256; byte++) setRemainder(byte);
  for (let index = 256; index < LOW.length; index++) {
    const low = at(LOW, index - 256);
    const high = at(HIGH, index - 256);
    LOW[index] = ((low >>> 8) | (high << 24)) ^ at(LOW, low & 0xff);
    HIGH[index] = (high >>> 8) ^ at(HIGH, low & 0xff);
  }
}

function setRemainder(byte: number): void {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = (low & 1) !== 0;
    low = ((low >>> 1) | (high << 31)) ^ (isOdd ? POLYNOMIAL_LOW : 0);
    high = (high >>> 1) ^ (isOdd ? POLYNOMIAL_HIGH : 0);
  }
  LOW[byte] = low;
  HIGH[byte] = high;
}
