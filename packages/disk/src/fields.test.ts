import { describe, expect, test } from 'vitest';
import { readFields } from './fields.ts';

const BYTES = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 0xf8]);

describe('readFields', () => {
  test('reads little-endian numbers', () => {
    const layout = { a: [7, 'u8'], b: [0, 'u16'], c: [0, 'u32'], d: [7, 'i8'], e: [4, 'i32'] } as const;
    expect(readFields(BYTES, layout)).toEqual({ a: 0xf8, b: 0x0201, c: 0x04030201, d: -8, e: 0xf8070605 | 0 });
  });

  test('reads big-endian numbers', () => {
    const layout = { a: [0, 'u16be'], b: [0, 'u32be'], c: [4, 'i32be'] } as const;
    expect(readFields(BYTES, layout)).toEqual({ a: 0x0102, b: 0x01020304, c: 0x050607f8 });
  });

  test('reads 64-bit numbers and words', () => {
    const bytes = Uint8Array.from([0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(readFields(bytes, { a: [0, 'u64be'] } as const)).toEqual({ a: Number.MAX_SAFE_INTEGER });
    expect(readFields(bytes.toReversed(), { a: [0, 'u64'] } as const)).toEqual({ a: Number.MAX_SAFE_INTEGER });
    expect(readFields(BYTES, { a: [0, 'bits64'] } as const)).toEqual({ a: 0xf807060504030201n });
    expect(readFields(BYTES, { a: [0, 'bits64be'] } as const)).toEqual({ a: 0x01020304050607f8n });
  });

  test('reads from a view into a larger buffer', () => {
    expect(readFields(BYTES.subarray(2), { a: [0, 'u16'] } as const)).toEqual({ a: 0x0403 });
  });

  test('refuses a 64-bit number above 2^53, saying where it is', () => {
    const read = () => readFields(BYTES, { size: [0, 'u64'] } as const, { format: 'vdi', offset: 0x170 });
    expect(read).toThrow(expect.objectContaining({ kind: 'corrupt', format: 'vdi', offset: 0x170 }));
  });

  test('refuses a structure that is too short', () => {
    const read = () => readFields(BYTES, { size: [6, 'u32'] } as const, { offset: 0x100 });
    expect(read).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 0x106 }));
  });
});
