import { describe, expect, test } from 'vitest';
import { readBuffer, unsafeReadBuffer } from './read-buffer.ts';

describe.each([0, 1, 4096, 128 * 1024 - 1, 128 * 1024, 2 ** 20])('a buffer of %d bytes to read into', (length) => {
  test('has that length and holds zeros', () => {
    const bytes = readBuffer(length);
    expect(bytes.length).toBe(length);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  test('has memory that no other array shares', () => {
    const bytes = unsafeReadBuffer(length);
    expect(bytes.length).toBe(length);
    expect(bytes.buffer.byteLength - bytes.byteOffset).toBe(length);
  });
});

test('large buffers do not begin where malloc puts them, 16 bytes into a page', () => {
  for (const bytes of [readBuffer(2 ** 20), unsafeReadBuffer(2 ** 20)]) {
    expect(bytes.byteOffset + 16).toBeGreaterThanOrEqual(32);
    expect((bytes.byteOffset + 16) % 64).toBe(0);
  }
});
