import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { hasTool } from '../../testing/tool.ts';
import { decodeLzma } from './lzma-alone.ts';

const hasXz = hasTool('xz');
if (!hasXz) console.warn('Skipping tests of the .lzma decoder: xz is absent');

const CONTENT = Buffer.from('content that repeats, content that repeats, and an end. '.repeat(500));

test.skipIf(!hasXz)('decodeLzma reads runs that end by a marker, within an exact budget', () => {
  for (const way of [['-0'], ['-9'], ['--lzma1=lc=4,lp=0,pb=0'], ['--lzma1=lc=0,lp=4,pb=4']]) {
    expect(Buffer.compare(decodeLzma(pack(CONTENT, way), CONTENT.length), CONTENT), way.join()).toBe(0);
  }
});

test.skipIf(!hasXz)('decodeLzma reads runs whose length is in the header', () => {
  const packed = withLength(pack(CONTENT), CONTENT.length);
  expect(Buffer.compare(decodeLzma(packed, 2 ** 20), CONTENT)).toBe(0);
});

test.skipIf(!hasXz)('decodeLzma refuses what is cut, too long or too large', () => {
  const packed = pack(CONTENT);
  const longer = withLength(packed, CONTENT.length + 1);
  for (const bytes of [packed.subarray(0, 12), packed.subarray(0, -9), longer, changed(packed, 0, 225)]) {
    expect(() => decodeLzma(bytes, 2 ** 20)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  }
  expect(() => decodeLzma(packed, CONTENT.length - 1)).toThrow(/more than|leaves its bounds/);
  expect(() => decodeLzma(changed(packed, 4, 0x7f), 2 ** 20)).toThrow(expect.objectContaining({ kind: 'unsupported' }));
});

test.skipIf(!hasXz)('changed runs end in a DiskError or well', () => {
  const random = seededRandom(4);
  const packed = pack(CONTENT);
  for (let round = 0; round < 500; round++) {
    expect(misbehaviour(() => decodeLzma(mutate(packed, [[0, 40]], random), 2 ** 16))).toBeUndefined();
  }
});

function pack(content: Uint8Array, way: readonly string[] = []): Buffer {
  return execFileSync('xz', ['-c', '--format=lzma', ...way], { input: content });
}

function withLength(packed: Buffer, length: number): Buffer {
  const copy = Buffer.from(packed);
  copy.writeBigUInt64LE(BigInt(length), 5);
  return copy;
}

function changed(packed: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(packed);
  copy[at] = value;
  return copy;
}
