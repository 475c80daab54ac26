import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';

describe('crc32c', () => {
  // RFC 3720, appendix B.4
  test.each([
    ['32 bytes of zero', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['bytes counting up', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['"123456789"', new TextEncoder().encode('123456789'), 0xe3069283],
  ])('knows the sum of %s', (_, bytes, expected) => {
    expect((crc32c(0xffffffff, bytes) ^ 0xffffffff) >>> 0).toBe(expected);
  });

  test('gives the same sum however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(100),
        fc.integer({ min: 0, max: 0xffffffff }),
        (bytes, cut, seed) => {
          const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
          expect(parts.reduce(crc32c, seed)).toBe(crc32c(seed, bytes));
        },
      ),
    );
  });
});
