import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import { hasTool } from '../../testing/tool.ts';
import { SIGNATURE_FORMATS } from './formats.ts';
import { identifyVolume, type VolumeSignature } from './identify.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-signature-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function make(command: string, sizeMiB: number): string {
  const image = join(folder, 'volume');
  writeFileSync(image, '');
  truncateSync(image, sizeMiB * 2 ** 20);
  const [program, ...args] = command.split(' ');
  if (program !== undefined) execFileSync(program, [...args, image], { stdio: 'pipe' });
  return image;
}

function identifyFile(image: string): VolumeSignature | undefined {
  return identifyVolume(new MemorySource(readFileSync(image)));
}

/** What blkid says, by probing the content alone. */
function blkid(image: string): VolumeSignature {
  const lines = execFileSync('blkid', ['-p', '-o', 'export', image], { encoding: 'utf8' }).split('\n');
  const value = (name: string) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  return { type: value('TYPE') ?? '', label: value('LABEL'), uuid: value('UUID') };
}

const MADE: readonly (readonly [command: string, sizeMiB: number])[] = [
  ['mke2fs -q -t ext2 -L two', 4],
  ['mke2fs -q -t ext3 -L three', 8],
  ['mke2fs -q -t ext4 -L four', 8],
  ['mke2fs -q -t ext4 -O ^has_journal', 4],
  ['mke2fs -q -b 4096 -O journal_dev', 8],
  ['mkfs.vfat -F 12 -n TWELVE', 2],
  ['mkfs.vfat -F 16 -n SIXTEEN -i 0badcafe', 20],
  ['mkfs.vfat -F 32 -n THIRTYTWO', 40],
  ['mkfs.vfat -F 12 -S 4096 -n WIDE', 8],
  ['mkswap -L swapped', 2],
  ['mkntfs -q -F -f -L windows', 4],
  ['mkfs.exfat -L external', 4],
  ['mkfs.btrfs -q -L tree', 120],
  ['mkfs.f2fs -q -l flash', 64],
  ['cryptsetup luksFormat --batch-mode --type luks1 --pbkdf-force-iterations 1000 --key-file /etc/hostname', 8],
  [
    'cryptsetup luksFormat --batch-mode --type luks2 --label secret --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /etc/hostname',
    32,
  ],
];

describe('identifyVolume', () => {
  for (const [command, sizeMiB] of MADE) {
    const tool = command.split(' ')[0] ?? '';
    test.skipIf(!hasTool(tool) || !hasTool('blkid'))(`says what blkid says: ${command}`, () => {
      const image = make(command, sizeMiB);
      expect(identifyFile(image)).toEqual(blkid(image));
    });
  }

  test('knows a mirror by its superblock at the end, not by the filesystem in front', () => {
    const image = make('mke2fs -q -t ext4', 8);
    const bytes = readFileSync(image);
    const at = bytes.length - 8192;
    bytes.writeUInt32LE(0xa92b4efc, at);
    bytes.writeUInt32LE(1, at + 4);
    bytes.fill(0xab, at + 16, at + 32);
    bytes.write('host:0', at + 32);
    bytes.writeBigUInt64LE(BigInt(at / 512), at + 144);
    expect(identifyVolume(new MemorySource(bytes))).toEqual({
      type: 'linux_raid_member',
      label: 'host:0',
      uuid: 'abababab-abab-abab-abab-abababababab',
    });
  });

  test.each([0, 1, 511, 512, 4096, 100_000])('finds nothing in %d zeros', (size) => {
    expect(identifyVolume(new MemorySource(new Uint8Array(size)))).toBeUndefined();
  });

  test('never fails on a magic with nonsense around it', () => {
    const magics = SIGNATURE_FORMATS.flatMap((format) => ('magics' in format ? format.magics : []));
    fc.assert(
      fc.property(fc.constantFrom(...magics), fc.uint8Array({ minLength: 4096, maxLength: 8192 }), (magic, noise) => {
        const bytes = new Uint8Array(Math.max(noise.length, magic.at + 512));
        for (let at = 0; at < bytes.length; at += noise.length) bytes.set(noise.subarray(0, bytes.length - at), at);
        bytes.set(Buffer.from(magic.text, 'latin1'), magic.at);
        identifyVolume(new MemorySource(bytes));
      }),
      { numRuns: 300 },
    );
  });
});

const KNOWN_TYPES = new Set([...SIGNATURE_FORMATS.map(({ type }) => type), 'ext2', 'ext3', 'jbd', 'squashfs3']);

interface Answer {
  readonly file: string;
  readonly expected: VolumeSignature;
}

/** Answers in `blkid -o udev` form: blanks and signs as `\x20` in the fields that end in `_ENC`. */
function udevAnswers(area: string): readonly Answer[] {
  return corpusFiles(`${area}/low-probe-*.expected.txt`).flatMap((answer) => {
    const lines = readCorpusText(answer).split('\n');
    const value = (name: string) => {
      const encoded = lines.find((line) => line.startsWith(`ID_FS_${name}=`))?.slice(name.length + 7);
      return encoded?.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      );
    };
    const file = answer.replace('low-probe-', '').replace('.expected.txt', '.img.xz');
    const expected = { type: value('TYPE') ?? '', label: value('LABEL_ENC'), uuid: value('UUID_ENC') };
    return corpusFiles(file).length === 1 && KNOWN_TYPES.has(expected.type) ? [{ file, expected }] : [];
  });
}

describe.skipIf(corpusAbsent !== undefined)('identifyVolume on real volumes', () => {
  test.each([...udevAnswers('filesystems/util-linux'), ...udevAnswers('volumes/util-linux')])(
    'says what blkid says of $file',
    ({ file, expected }) => {
      expect(identifyVolume(new MemorySource(readCorpus(file)))).toEqual(expected);
    },
  );

  test('finds enough of them', () => {
    expect(udevAnswers('filesystems/util-linux').length).toBeGreaterThan(30);
  });
});
