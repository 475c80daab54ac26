import { expect, test } from 'vitest';
import { decodeLzx } from './lzx.ts';

/** Bits as LZX has them, from the high end of little-endian words. */
function words(bits: string): number[] {
  const padded = bits.padEnd(Math.ceil(bits.length / 16) * 16, '0');
  return Array.from({ length: padded.length / 16 }, (_, index) => {
    const word = Number.parseInt(padded.slice(index * 16, index * 16 + 16), 2);
    return [word & 0xff, word >> 8];
  }).flat();
}

const STORED = '011';
const size = (bytes: number) => `0${bytes.toString(2).padStart(16, '0')}`;
const RECENT = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];

test('decodeLzx copies blocks that are stored, each followed by a whole word', () => {
  const block = (text: string, padding: readonly number[]) => [
    ...words(STORED + size(text.length)),
    ...RECENT,
    ...Buffer.from(text),
    ...padding,
  ];
  const packed = Uint8Array.from([...block('odd', [0]), ...block('even', [])]);
  expect(Buffer.from(decodeLzx(packed, 7)).toString()).toBe('oddeven');
});

test('decodeLzx makes the targets of calls relative', () => {
  const code = Buffer.alloc(40, 0x90);
  code[8] = 0xe8;
  code.writeInt32LE(1008, 9);
  code[20] = 0xe8;
  code.writeInt32LE(-4, 21);
  const packed = Uint8Array.from([...words(STORED + size(40)), ...RECENT, ...code]);
  const bytes = Buffer.from(decodeLzx(packed, 40));
  expect([bytes.readInt32LE(9), bytes.readInt32LE(21)]).toEqual([1000, 12_000_000 - 4]);
});

/** A block of literals only: the code of each byte is the byte. */
function literals(text: string): Uint8Array {
  const pre = (lengths: Readonly<Record<number, number>>) => {
    return Array.from({ length: 20 }, (_, symbol) => (lengths[symbol] ?? 0).toString(2).padStart(4, '0')).join('');
  };
  // symbol 9 makes a length of 0 one of 8; 18 is for zeros
  const eights = pre({ 9: 1, 18: 1 }) + '0'.repeat(256);
  const zeros = (runs: readonly number[]) => {
    return pre({ 9: 1, 18: 1 }) + runs.map((run) => `1${(run - 20).toString(2).padStart(5, '0')}`).join('');
  };
  const lengths = eights + zeros([51, 51, 51, 51, 36]) + zeros([51, 51, 51, 51, 45]);
  const body = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Uint8Array.from(words(`001${size(text.length)}${lengths}${body}`));
}

test('decodeLzx reads the lengths of codes, and literals', () => {
  expect(Buffer.from(decodeLzx(literals('The quick brown fox'), 19)).toString()).toBe('The quick brown fox');
});

test.each([
  ['a block of an unknown type', Uint8Array.from(words(`111${size(10)}`)), 10],
  ['a block of no bytes', Uint8Array.from(words(STORED + size(0))), 10],
  ['a block that is too long', Uint8Array.from(words(STORED + size(11))), 10],
  ['a stored block that is cut', Uint8Array.from([...words(STORED + size(10)), ...RECENT, 1, 2]), 10],
  ['nothing', new Uint8Array(), 10],
  ['literals that are cut', literals('The quick brown fox').subarray(0, -12), 19],
])('decodeLzx refuses %s', (_, packed, sizeBytes) => {
  expect(() => decodeLzx(packed, sizeBytes)).toThrow(expect.objectContaining({ kind: 'corrupt', format: 'lzx' }));
});
