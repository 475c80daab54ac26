const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A GUID as Microsoft stores it, the first three groups little-endian: `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`. */
export function readGuid(bytes: Uint8Array, at = 0): string {
  return spell(bytes, at, [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]);
}

/** A UUID as Unix stores it, byte by byte in the order it is written. */
export function readUuid(bytes: Uint8Array, at = 0): string {
  return spell(bytes, at, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
}

function spell(bytes: Uint8Array, at: number, order: readonly number[]): string {
  const digits = order.map((index) => HEX[bytes[at + index] ?? 0]).join('');
  return [0, 8, 12, 16, 20].map((start, group) => digits.slice(start, [8, 12, 16, 20, 32][group])).join('-');
}
