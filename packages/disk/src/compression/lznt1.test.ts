import { expect, test } from 'vitest';
import { decodeLznt1 } from './lznt1.ts';

// the example of MS-XCA 3.3
const SONG = `F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0`;
const PACKED = `38b08846232000204720410010a24701a045204400084501507900c045200524138805b4024a44ef0358028c091601484500be009e000401189000`;

test('decodeLznt1 unpacks the example of the specification', () => {
  expect(Buffer.from(decodeLznt1(Uint8Array.fromHex(PACKED), SONG.length)).toString()).toBe(SONG);
});

test('decodeLznt1 leaves zeros where chunks end early', () => {
  const packed = Uint8Array.of(0x00, 0x30, 0x41, 0x00, 0x30, 0x42, 0, 0);
  const bytes = decodeLznt1(packed, 12_288);
  expect([...bytes.keys()].filter((at) => bytes[at] !== 0)).toEqual([0, 4096]);
});

test('decodeLznt1 repeats with distances of as many bits as it takes', () => {
  // 16 literals, of which a match may reach back to the first; and one literal more, and a match with a bit more for its distance
  const literals = Array.from({ length: 17 }, (_, index) => 0x61 + index);
  const body = [0, ...literals.slice(0, 8), 0, ...literals.slice(8, 16), 0b10, 0x71, 0x00, 0x80];
  const packed = Uint8Array.of(body.length - 1, 0xb0, ...body);
  expect(Buffer.from(decodeLznt1(packed, 20)).toString()).toBe('abcdefghijklmnopqabc');
});

test.each([
  ['a chunk that is cut', [0x10, 0xb0, 0x00], 0],
  ['a match before the start', [0x02, 0xb0, 0x01, 0x00, 0x00], 3],
  ['a match that is cut', [0x02, 0xb0, 0x02, 0x41, 0x00], 4],
])('decodeLznt1 refuses %s', (_, packed, offset) => {
  const error = { kind: 'corrupt', format: 'lznt1', offset };
  expect(() => decodeLznt1(Uint8Array.from(packed), 4096)).toThrow(expect.objectContaining(error));
});
