import { corrupt } from './error.ts';

const LONGEST = 9;

/** A number in seven bits a byte, the lowest first; the top bit says that another byte follows. */
export function readVariable(byte: () => number, offset: number): number {
  let value = 0;
  for (let index = 0; index < LONGEST; index++) {
    const part = byte();
    value += (part & 0x7f) * 2 ** (7 * index);
    if (part < 0x80) {
      if (part === 0 && index > 0) break;
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
  }
  throw corrupt('number', 'it is longer than it has to be, or above 2^53', offset);
}
