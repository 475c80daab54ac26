import { decodeUtf16Name } from '../utf16-name.ts';

/** Text of UTF-16 units, two bytes each. */
export function readUnits(bytes: Uint8Array): string {
  const units = Array.from({ length: bytes.length >> 1 }, (_, index) => {
    return (bytes[index * 2] as number) | ((bytes[index * 2 + 1] as number) << 8);
  });
  return decodeUtf16Name(units);
}
