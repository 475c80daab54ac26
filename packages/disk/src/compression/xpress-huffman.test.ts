import { expect, test } from 'vitest';
import { decodeXpressHuffman } from './xpress-huffman.ts';

/** What is packed with a code that is given by the lengths of its symbols. */
function packed(lengths: Readonly<Record<number, number>>, ...body: readonly number[]): Uint8Array {
  const code = new Uint8Array(256);
  for (const [symbol, length] of Object.entries(lengths)) {
    const at = Number(symbol) >> 1;
    code[at] = (code[at] as number) | (Number(symbol) % 2 === 0 ? length : length << 4);
  }
  return Uint8Array.from([...code, ...body]);
}

const ALPHABET = Array.from({ length: 26 }, (_, index) => 0x61 + index);

test('decodeXpressHuffman unpacks the literals of the specification', () => {
  // MS-XCA 3.2: the first 22 letters have five bits, the others and the end four
  const lengths = Object.fromEntries(ALPHABET.map((letter, index) => [letter, index < 22 ? 5 : 4]));
  const body = [...Buffer.from('d8523ed794115be9195ff9d67cdf8d0400000000', 'hex')];
  const bytes = decodeXpressHuffman(packed({ ...lengths, 256: 4 }, ...body), 26);
  expect(Buffer.from(bytes).toString()).toBe('abcdefghijklmnopqrstuvwxyz');
});

const ABC = { 97: 3, 98: 3, 99: 2, 256: 2, 287: 2 };

test('decodeXpressHuffman unpacks the long match of the specification', () => {
  const body = [0xa8, 0xdc, 0x00, 0x00, 0xff, 0x26, 0x01];
  expect(Buffer.from(decodeXpressHuffman(packed(ABC, ...body), 300)).toString()).toBe('abc'.repeat(100));
});

test.each([
  ['a code that is cut', new Uint8Array(255), 300],
  ['a code of too many symbols', packed({ 1: 1, 2: 1, 3: 1 }), 300],
  ['no code at all', packed({}, 0, 0, 0, 0), 300],
  ['a match past the end', packed(ABC, 0xa8, 0xdc, 0x00, 0x00, 0xff, 0x26, 0x01), 299],
  ['a match before the start', packed(ABC, 0x00, 0x80, 0x00, 0x00, 0x05), 300],
  ['bits that are cut', packed(ABC, 0xa8, 0xdc), 30_000],
])('decodeXpressHuffman refuses %s', (_, bytes, size) => {
  expect(() => decodeXpressHuffman(bytes, size)).toThrow(
    expect.objectContaining({ kind: 'corrupt', format: 'xpress' }),
  );
});
