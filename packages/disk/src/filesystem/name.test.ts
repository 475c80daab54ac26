import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareNames, decodeName, encodeName } from './name.ts';

// long runs of random bytes are hardly ever nearly valid: mix in pieces that are
const PIECES = [
  [0xc3, 0xa9],
  [0xe2, 0x82, 0xac],
  [0xf0, 0x9f, 0x98, 0x80],
  [0xed, 0xa0, 0x80],
  [0xc0, 0x80],
  [0xf5],
  [0xe2, 0x82],
];
const piece = fc.oneof(fc.constantFrom(...PIECES), fc.array(fc.nat(255), { maxLength: 3 }));
const name = fc.array(piece, { maxLength: 8 }).map((pieces) => Uint8Array.from(pieces.flat()));

describe('a name', () => {
  test('gives back the bytes that it was made from, whatever they are', () => {
    fc.assert(
      fc.property(name, (bytes) => {
        expect(encodeName(decodeName(bytes))).toEqual(bytes);
      }),
    );
  });

  test('made from UTF-8 is the text itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeName(new TextEncoder().encode(text))).toBe(text);
      }),
    );
  });

  test('has lone surrogates exactly when its bytes are not UTF-8', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    fc.assert(
      fc.property(name, (bytes) => {
        const isUtf8 = Buffer.from(decoder.decode(bytes)).equals(bytes);
        expect(decodeName(bytes).isWellFormed()).toBe(isUtf8);
      }),
    );
  });

  test.each([
    ['a Latin-1 letter', [0x66, 0xfc], 'f\udcfc'],
    ['an overlong slash', [0xc0, 0xaf], '\udcc0\udcaf'],
    ['an encoded surrogate', [0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
    ['a sequence that is cut short', [0xe2, 0x82], '\udce2\udc82'],
  ])('keeps %s', (_, bytes, expected) => {
    expect(decodeName(Uint8Array.from(bytes))).toBe(expected);
  });

  test('with a surrogate that stands for no byte is refused', () => {
    expect(() => encodeName('a\ud800')).toThrow(RangeError);
  });
});

describe('compareNames', () => {
  test('orders names by their bytes', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        const order = compareNames(decodeName(one), decodeName(other));
        expect(Math.sign(order)).toBe(Buffer.compare(one, other));
      }),
    );
  });
});
