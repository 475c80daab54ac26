// Arithmetic of the second parity of RAID 6: GF(2^8) with the polynomial 0x11d

const POLYNOMIAL = 0x11d;
const ORDER = 255;

const POWERS = new Uint8Array(2 * ORDER);
const LOGARITHMS = new Uint8Array(256);

for (let exponent = 0, value = 1; exponent < ORDER; exponent++) {
  POWERS[exponent] = value;
  POWERS[exponent + ORDER] = value;
  LOGARITHMS[value] = exponent;
  value = value & 0x80 ? (value << 1) ^ POLYNOMIAL : value << 1;
}

/** Two to the power of an exponent. */
export function power(exponent: number): number {
  return POWERS[exponent % ORDER] ?? 0;
}

export function multiply(a: number, b: number): number {
  if (a === 0 || b === 0) return 0;
  return POWERS[(LOGARITHMS[a] ?? 0) + (LOGARITHMS[b] ?? 0)] ?? 0;
}

/** @param b not zero */
export function divide(a: number, b: number): number {
  if (a === 0) return 0;
  return POWERS[(LOGARITHMS[a] ?? 0) + ORDER - (LOGARITHMS[b] ?? 0)] ?? 0;
}
