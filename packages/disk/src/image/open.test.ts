import { describe, expect, test } from 'vitest';
import { MemorySource } from '../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus } from '../testing/corpus.ts';
import { IMAGE_FORMAT_NAMES } from './formats.ts';
import type { DiskImage } from './image.ts';
import { openImage } from './open.ts';
import { denyReferences } from './references.ts';

function open(bytes: Uint8Array, claimedFormat?: string): DiskImage {
  const options = { references: denyReferences, ...(claimedFormat === undefined ? {} : { claimedFormat }) };
  return openImage(new MemorySource(bytes), options);
}

/** A file of 1 MiB with a text at an offset; negative offsets count from the end. */
function fileWith(text: string, at = 0): Uint8Array {
  const bytes = Buffer.alloc(2 ** 20);
  bytes.write(text, at < 0 ? bytes.length + at : at, 'latin1');
  return bytes;
}

const CONTAINERS = [
  { format: 'qed', text: 'QED\0', at: 0 },
  { format: 'dmg', text: 'koly', at: -512 },
  { format: 'ewf', text: 'EVF\t\r\n\xff\0', at: 0 },
  { format: 'gzip', text: '\x1f\x8b\x08', at: 0 },
  { format: 'xz', text: '\xfd7zXZ\0', at: 0 },
  { format: 'zstd', text: '\x28\xb5\x2f\xfd', at: 0 },
  { format: 'bzip2', text: 'BZh91AY&SY', at: 0 },
  { format: 'aff', text: 'AFF10\r\n\0', at: 0 },
  { format: 'sparseimage', text: 'sprs', at: 0 },
  { format: 'wim', text: 'MSWIM\0\0\0', at: 0 },
  { format: 'vbk', text: '\x0d\0\0\0\x01\0\0\0\x03\0\0\0md5\0', at: 0 },
  { format: 'partclone', text: 'partclone-image', at: 0 },
  { format: 'partimage', text: 'PaRtImAgE-VoLuMe', at: 0 },
  { format: 'lz4', text: '\x04\x22\x4d\x18', at: 0 },
  { format: 'lzop', text: '\x89LZO\0\r\n\x1a\n', at: 0 },
  { format: '7z', text: '7z\xbc\xaf\x27\x1c', at: 0 },
  { format: 'zip', text: 'PK\x03\x04', at: 0 },
  { format: 'aff4', text: `PK\x03\x04${'\0'.repeat(26)}container.description`, at: 0 },
];

describe('openImage', () => {
  test.each(CONTAINERS)('names $format by $text at $at and refuses it', ({ format, text, at }) => {
    const refusal = expect.objectContaining({ kind: 'unsupported', format });
    expect(() => open(fileWith(text, at))).toThrow(refusal);
    expect(() => open(fileWith(text, at), format)).toThrow(refusal);
  });

  test.each(CONTAINERS)('never reads $format by $text at $at as raw', ({ format, text, at }) => {
    const message = `Cannot open image: content is ${format}, "raw" was claimed`;
    expect(() => open(fileWith(text, at), 'raw')).toThrow(expect.objectContaining({ kind: 'mismatch', message }));
  });

  test('promises to read none of what it refuses by name', () => {
    const refused = new Set(CONTAINERS.map(({ format }) => format));
    expect(IMAGE_FORMAT_NAMES).toEqual(expect.arrayContaining(['raw', 'qcow2', 'vmdk']));
    expect(IMAGE_FORMAT_NAMES.filter((name) => refused.has(name))).toEqual([]);
  });

  test('refuses what is two formats at once, naming both', () => {
    const both = Buffer.from(fileWith('QFI\xfb'));
    both.write('conectix', both.length - 512);
    for (const claimed of [undefined, 'qcow2', 'vhd', 'raw']) {
      expect(() => open(both, claimed)).toThrow(
        expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('qcow2 and vhd') }),
      );
    }
  });

  test('says that raw was found by elimination, unless it was claimed', () => {
    const bytes = fileWith('just bytes');
    expect(open(bytes).facts).toMatchObject({
      format: 'raw',
      virtual_size: 2 ** 20,
      details: { raw_by_elimination: true },
      warnings: [expect.stringContaining('elimination')],
    });
    expect(open(bytes, 'raw').facts).toMatchObject({ details: {}, warnings: [] });
  });

  test.each(['qcow2', 'QCOW2', 'vmdk', 'vhd', 'vpc', 'nonsense'])(
    'refuses bytes that were claimed to be %s',
    (claimed) => {
      expect(() => open(fileWith('just bytes'), claimed)).toThrow(
        expect.objectContaining({ kind: 'mismatch', message: expect.stringContaining('no known format') }),
      );
    },
  );

  test('takes img for a name of files, not for a claim', () => {
    expect(open(fileWith('just bytes'), 'img').facts.format).toBe('raw');
    expect(() => open(fileWith('vhdxfile'), 'img')).toThrow(expect.objectContaining({ format: 'vhdx' }));
  });

  test('knows vpc as vhd', () => {
    const refusal = expect.objectContaining({ format: 'vhd', message: expect.stringContaining('checksum') });
    expect(() => open(fileWith('conectix', -512), 'vpc')).toThrow(refusal);
    expect(() => open(fileWith('conectix', -511), 'vpc')).toThrow(refusal);
  });

  test.each([undefined, 'raw', 'qcow2'])('refuses an empty file claimed to be %s', (claimed) => {
    expect(() => open(new Uint8Array(0), claimed)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 0 }));
  });
});

describe('a raw image', () => {
  test('is made of whole sectors, the last one filled up with zeros', () => {
    const image = open(new Uint8Array(1000).fill(7), 'raw');
    expect(image.sizeBytes).toBe(1024);
    expect(image.facts).toMatchObject({ file_size: 1000, warnings: [expect.stringContaining('488')] });
    expect(image.read(996, 8)).toEqual(Uint8Array.of(7, 7, 7, 7, 0, 0, 0, 0));
    expect(image.read(1004, 20)).toEqual(new Uint8Array(20));
    expect([...image.extents()]).toEqual([
      { offset: 0, length: 1000, kind: 'data' },
      { offset: 1000, length: 24, kind: 'zero' },
    ]);
  });

  test('has no bytes past its end', () => {
    const image = open(new Uint8Array(1024), 'raw');
    expect(() => image.read(1000, 25)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 1000 }));
  });
});

const FORMAT_OF_SUFFIX: readonly (readonly [pattern: string, format: string])[] = [
  ['formats/**/*.dmg', 'dmg'],
  ['filesystems/**/*.E01', 'ewf'],
];

describe.skipIf(corpusAbsent !== undefined)('openImage on real containers', () => {
  const files = FORMAT_OF_SUFFIX.flatMap(([pattern, format]) =>
    corpusFiles(pattern)
      .filter((file) => !file.endsWith('.json'))
      .map((file) => ({ file, format })),
  );

  test.each(files)('names $file as $format', ({ file, format }) => {
    expect(() => open(readCorpus(file))).toThrow(expect.objectContaining({ kind: 'unsupported', format }));
  });
});
