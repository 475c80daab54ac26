import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { hasTool } from '../../testing/tool.ts';
import { ByteInput } from './byte-input.ts';
import { decodeXz, decodeXzStream } from './decode.ts';

const MIB = 2 ** 20;
const hasXz = hasTool('xz');
if (!hasXz) console.warn('Skipping tests of the xz decoder: xz is absent');

const CONTENTS: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'one byte': Buffer.from('x'),
  zeros: Buffer.alloc(MIB),
  random: random(150_000, 1),
  text: Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20_000)),
  program: readFileSync(process.execPath).subarray(0x100_0000, 0x100_0000 + MIB / 4),
  mixed: Buffer.concat([random(70_000, 2), Buffer.alloc(200_000, 'ab'), random(70_000, 2), Buffer.alloc(99_999)]),
};

const WAYS: readonly (readonly string[])[] = [
  ['-0'],
  ['-6'],
  ['-9e'],
  ['--check=none'],
  ['--check=crc32'],
  ['--check=sha256'],
  ['--block-size=65536', '-T2'],
  ['--lzma2=preset=1,dict=4KiB'],
  ['--lzma2=lc=0,lp=4,pb=0'],
  ['--lzma2=lc=4,lp=0,pb=4'],
  ['--lzma2=lc=1,lp=2,pb=3,mode=fast'],
  ['--x86', '--lzma2=preset=1'],
  ['--x86=start=4096', '--lzma2=preset=1'],
  ['--powerpc', '--lzma2=preset=1'],
  ['--arm', '--lzma2=preset=1'],
  ['--armthumb', '--lzma2=preset=1'],
  ['--arm64', '--lzma2=preset=1'],
  ['--sparc', '--lzma2=preset=1'],
  ['--delta=dist=3', '--lzma2=preset=1'],
  ['--delta=dist=256', '--x86', '--lzma2=preset=1'],
];

describe.skipIf(!hasXz)('decodeXz gives back what xz packed', () => {
  for (const way of WAYS) {
    test(way.join(' '), () => {
      for (const [name, content] of Object.entries(CONTENTS)) {
        const decoded = decodeXz(pack(content, way), content.length);
        expect(Buffer.compare(decoded, content), name).toBe(0);
      }
    });
  }

  test('several streams with padding between and after them', () => {
    const streams = [pack(Buffer.from('one ')), Buffer.alloc(8), pack(Buffer.from('two')), Buffer.alloc(4)];
    expect(Buffer.from(decodeXz(Buffer.concat(streams), 100)).toString()).toBe('one two');
  });

  test('branches of every machine, wherever a piece ends', () => {
    const content = branches(400_000);
    for (const machine of ['x86', 'powerpc', 'arm', 'armthumb', 'arm64', 'sparc']) {
      const decoded = decodeXz(pack(content, [`--${machine}`, '--lzma2=preset=0']), content.length);
      expect(Buffer.compare(decoded, content), machine).toBe(0);
    }
  });

  test('in pieces of one byte', () => {
    const packed = pack(Buffer.from('as it comes, '.repeat(100)));
    const pieces = Array.from(packed, (byte) => Uint8Array.of(byte));
    let decoded = '';
    decodeXzStream(new ByteInput(() => pieces.shift()), (piece) => {
      decoded += Buffer.from(piece).toString();
    });
    expect(decoded).toBe('as it comes, '.repeat(100));
  });

  test('more than the window, which slides', () => {
    const content = Buffer.concat(Array.from({ length: 40 }, (_, index) => random(50_000, index % 7)));
    const packed = pack(content, ['--lzma2=preset=0,dict=64KiB']);
    expect(Buffer.compare(decodeXz(packed, content.length), content)).toBe(0);
  });
});

describe.skipIf(!hasXz)('decodeXz refuses', () => {
  const packed = hasXz ? pack(Buffer.from('content, content, content')) : Buffer.alloc(0);
  const cases: readonly (readonly [string, () => Buffer, object])[] = [
    ['nothing', () => Buffer.alloc(0), { kind: 'corrupt', message: /ends too early/ }],
    ['a stream without its last byte', () => packed.subarray(0, -1), { kind: 'corrupt', message: /ends too early/ }],
    ['a wrong signature', () => changed(packed, 0), { kind: 'corrupt', message: /signature/ }],
    ['a wrong header', () => changed(packed, 8), { kind: 'corrupt', message: /stream header: checksum/ }],
    ['a wrong block header', () => changed(packed, 14), { kind: 'corrupt', message: /block header: checksum/ }],
    ['other content', () => changed(packed, 30), { kind: 'corrupt' }],
    ['a wrong check', () => changed(packed, packed.length - 26), { kind: 'corrupt', message: /check does not match/ }],
    ['a wrong index', () => changed(packed, packed.length - 18), { kind: 'corrupt', message: /index/ }],
    ['a wrong footer', () => changed(packed, packed.length - 1), { kind: 'corrupt', message: /footer/ }],
    ['what follows', () => Buffer.concat([packed, Buffer.from('more')]), { kind: 'corrupt' }],
    ['padding of odd length', () => Buffer.concat([packed, Buffer.alloc(3)]), { kind: 'corrupt' }],
    [
      'a filter that cannot be undone',
      () => pack(packed, ['--ia64', '--lzma2']),
      { kind: 'unsupported', message: /"ia64"/ },
    ],
    [
      'a window of 512 MiB',
      () => pack(packed, ['--lzma2=preset=0,dict=512MiB']),
      { kind: 'unsupported', message: /window/ },
    ],
  ];
  for (const [name, make, error] of cases) {
    test(name, () => {
      const { message, ...facts } = error as { message?: RegExp };
      const expected = { name: 'DiskError', ...facts, ...(message && { message: expect.stringMatching(message) }) };
      expect(() => decodeXz(make(), MIB)).toThrow(expect.objectContaining(expected));
    });
  }

  test('more than the budget', () => {
    const bomb = pack(Buffer.alloc(16 * MIB), ['-6']);
    expect(bomb.length).toBeLessThan(20_000);
    expect(() => decodeXz(bomb, MIB)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});

test.skipIf(!hasXz)('changed streams end in a DiskError or well', () => {
  const random = seededRandom(20_261_127);
  const samples = [['-0'], ['--x86', '--lzma2=preset=0'], ['--block-size=3000']].map((way) =>
    pack(Buffer.concat([CONTENTS.mixed?.subarray(60_000, 80_000) ?? Buffer.alloc(0), branches(5000)]), way),
  );
  for (let round = 0; round < 1500; round++) {
    const sample = samples[random(samples.length)] as Buffer;
    const changed = mutate(
      sample,
      [
        [12, 200],
        [sample.length - 60, sample.length],
      ],
      random,
    );
    expect(misbehaviour(() => decodeXz(changed, MIB))).toBeUndefined();
  }
});

function pack(content: Uint8Array, way: readonly string[] = []): Buffer {
  return execFileSync('xz', ['-c', ...way], { input: content, maxBuffer: 2 ** 28 });
}

function random(length: number, seed: number): Buffer {
  const next = seededRandom(seed);
  return Buffer.from(Array.from({ length }, () => next(256)));
}

/** Bytes that are dense with what looks like branch instructions. */
function branches(length: number): Buffer {
  const next = seededRandom(77);
  const telling = [0xe8, 0xe9, 0x00, 0xff, 0xeb, 0x48, 0x01, 0x94, 0x90, 0xf0, 0xf8, 0x40, 0x7f];
  return Buffer.from(
    Array.from({ length }, () => (next(3) === 0 ? next(256) : (telling[next(telling.length)] as number))),
  );
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 0x40;
  return copy;
}
