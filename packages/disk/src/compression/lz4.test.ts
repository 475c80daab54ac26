import { describe, expect, test } from 'vitest';
import { decompressLz4 } from './lz4.ts';

function unpack(block: readonly number[], most: number): string {
  const output = new Uint8Array(most);
  return Buffer.from(output.subarray(0, decompressLz4(Uint8Array.from(block), output))).toString('latin1');
}

const text = (value: string) => [...Buffer.from(value, 'latin1')];

describe('decompressLz4', () => {
  test.each([
    ['literals alone', [0x30, ...text('abc')], 'abc'],
    ['a match', [0x40, ...text('abcd'), 4, 0, 0x10, ...text('!')], 'abcdabcd!'],
    ['a match that reaches into what it writes', [0x16, ...text('a'), 1, 0, 0x10, ...text('b')], `${'a'.repeat(11)}b`],
    ['a long match', [0x1f, ...text('a'), 1, 0, 255, 10, 0x10, ...text('b')], `${'a'.repeat(285)}b`],
    ['many literals', [0xf0, 5, ...text('x'.repeat(20))], 'x'.repeat(20)],
  ])('unpacks %s', (_, block, expected) => {
    expect(unpack(block, 1000)).toBe(expected);
  });

  test.each([
    ['literals past its end', [0x50, ...text('abc')], /past the end/],
    ['a length that does not end', [0xf0, 255, 255], /ends too early/],
    ['a match before its start', [0x10, ...text('a'), 2, 0], /2 bytes back of 1/],
    ['a match 0 bytes back', [0x10, ...text('a'), 0, 0], /0 bytes back/],
    ['more than it may hold', [0x1f, ...text('a'), 1, 0, 255, 255, 255, 255, 0], /more than it may/],
    ['more literals than it may hold', [0xf0, 200, ...text('x'.repeat(215))], /more than it may/],
  ])('refuses a block of %s', (_, block, message) => {
    expect(() => unpack(block, 100)).toThrow(message);
  });
});
