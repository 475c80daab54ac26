import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { isMapped } from '../../source/extent.ts';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, unpackCorpus } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { hasTool } from '../../testing/tool.ts';
import { KeyWork } from '../unlocking.ts';
import { openBitlocker } from './open.ts';
import {
  type BuiltVolume,
  buildBitlocker,
  sealMetadata,
  startupKeyFile,
  VOLUME_GUID,
  type VolumePlan,
} from './testing.ts';

const PLAIN_BYTES = 2 ** 20;
const PASSWORD = 'pässword €';
const RECOVERY_KEY = '000011-000022-123453-654324-720885-000000-471207-278498';
const CLEAR: VolumePlan['protectors'] = [{ kind: 'clear key' }];
const METHODS = [
  ['AES-CBC 128 with the diffuser', 0x8000],
  ['AES-CBC 256 with the diffuser', 0x8001],
  ['AES-CBC 128', 0x8002],
  ['AES-CBC 256', 0x8003],
  ['AES-XTS 128', 0x8004],
  ['AES-XTS 256', 0x8005],
] as const;

/** The start of an NTFS, and after it bytes that repeat nowhere. */
const plain = Buffer.alloc(PLAIN_BYTES);
for (let at = 0; at < PLAIN_BYTES; at += 32) createHash('sha256').update(String(at)).digest().copy(plain, at);
plain.write('eb52904e5446532020202000020800000000000000f800003f00ff00', 'hex');
plain.fill(0, 28, 40);
plain.writeBigUInt64LE(BigInt(PLAIN_BYTES / 512 - 1), 40);
plain.writeBigUInt64LE(4n, 48);
plain.writeBigUInt64LE(8n, 56);
plain.writeUInt16LE(0xaa55, 510);

function build(plan: Partial<VolumePlan> = {}): BuiltVolume {
  return buildBitlocker({ plain, method: 0x8004, protectors: CLEAR, ...plan });
}

function open(bytes: Uint8Array, ...passphrases: readonly Uint8Array[]) {
  return openBitlocker(new MemorySource(bytes), { passphrases, work: new KeyWork() });
}

function expectPlain(bytes: Uint8Array, expected: Buffer, ...passphrases: readonly Uint8Array[]): void {
  const { plain: opened } = open(bytes, ...passphrases);
  expect(opened.sizeBytes).toBe(expected.length);
  expect(expected.equals(opened.read(0, expected.length))).toBe(true);
  // pieces that fit no sector
  const random = seededRandom(7);
  for (let piece = 0; piece < 50; piece++) {
    const offset = random(expected.length);
    const length = random(Math.min(9000, expected.length - offset));
    expect(expected.subarray(offset, offset + length).equals(opened.read(offset, length))).toBe(true);
  }
}

describe('a BitLocker volume', () => {
  test.each(METHODS)('of %s is read as it was written', (_, method) => {
    const { bytes, expected } = build({ method });
    expectPlain(bytes, expected);
  });

  test.each([
    ['of Windows Vista', { version: 1, method: 0x8000 }],
    ['of BitLocker To Go', { isToGo: true }],
    ['with sectors of 4096 bytes', { sectorBytes: 4096 }],
    ['with sectors of 4096 bytes and CBC', { sectorBytes: 4096, method: 0x8002 }],
    ['that was encrypted up to its middle when that was paused', { encryptedBytes: PLAIN_BYTES / 2 }],
  ] as const)('%s is read as it was written', (_, plan) => {
    const { bytes, expected } = build(plan);
    expectPlain(bytes, expected);
  });

  test('opens by its startup key', () => {
    const { bytes, expected } = build({ protectors: [{ kind: 'TPM' }, { kind: 'startup key' }] });
    expectPlain(bytes, expected, startupKeyFile());
    expect(open(bytes, startupKeyFile()).guid).toBe(VOLUME_GUID);
  });

  test('opens by its password and by its recovery key, with the end of a line or without', () => {
    const { bytes, expected } = build({
      protectors: [
        { kind: 'password', text: PASSWORD },
        { kind: 'recovery key', text: RECOVERY_KEY },
      ],
    });
    for (const text of [PASSWORD, `${RECOVERY_KEY}\r`]) {
      const { plain: opened } = open(bytes, Buffer.from(text));
      expect(expected.equals(opened.read(0, expected.length))).toBe(true);
    }
  });

  test('stays shut without a key, and tells what protects it', () => {
    const { bytes } = build({
      protectors: [{ kind: 'TPM' }, { kind: 'startup key' }, { kind: 'recovery key', text: RECOVERY_KEY }],
    });
    const message = expect.stringContaining('protected by TPM, startup key, recovery key');
    // what is no recovery key is not tried as one: one digit is wrong
    for (const passphrases of [[], [Buffer.from(RECOVERY_KEY.replace('000011', '000012'))]]) {
      expect(() => open(bytes, ...passphrases)).toThrow(expect.objectContaining({ kind: 'encrypted', message }));
    }
  });

  test('spends of the work for its disk, and ends when that is spent', () => {
    const { bytes } = build({ protectors: [{ kind: 'password', text: PASSWORD }] });
    const work = new KeyWork(2 ** 20 - 1);
    const passphrases = [Buffer.from(PASSWORD)];
    expect(() => openBitlocker(new MemorySource(bytes), { passphrases, work })).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('units of work') }),
    );
  });

  test('has zeros where its metadata lies, and what is not encrypted as it is stored', () => {
    const { bytes, areas } = build({ encryptedBytes: PLAIN_BYTES / 2 + 2 ** 17 });
    const { plain: opened } = open(bytes);
    const [first = 0, second = 0, third = 0] = areas;
    expect(isMapped(opened) && [...opened.extents()]).toEqual([
      { offset: 0, length: first - 8192, kind: 'data' },
      { offset: first - 8192, length: 8192 + 65536, kind: 'zero' },
      { offset: first + 65536, length: second - first - 65536, kind: 'data' },
      { offset: second, length: 65536, kind: 'zero' },
      { offset: second + 65536, length: third - second - 65536, kind: 'data' },
      { offset: third, length: 65536, kind: 'zero' },
      { offset: third + 65536, length: PLAIN_BYTES - third - 65536, kind: 'data' },
    ]);
  });

  test('opens by any copy of its metadata that is sound', () => {
    const { bytes, expected, areas } = build();
    for (const at of areas.slice(0, 2)) bytes.fill(0xff, at + 100, at + 120);
    expectPlain(bytes, expected);
    bytes.fill(0xff, (areas[2] ?? 0) + 100, (areas[2] ?? 0) + 120);
    expect(() => open(bytes)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('checksum') }),
    );
  });
});

describe('a BitLocker volume of a disk', () => {
  const disk = (bytes: Uint8Array, ...passphrases: readonly Uint8Array[]) =>
    openDisk(new MemorySource(bytes), { references: denyReferences, passphrases }).volumes;

  test('holds the volume that lies within', () => {
    const volumes = disk(build({ protectors: [{ kind: 'startup key' }] }).bytes, startupKeyFile());
    expect(volumes).toMatchObject([
      { device: '/dev/sda', signature: { type: 'BitLocker' }, error: undefined },
      { device: `/dev/mapper/bitlk-${VOLUME_GUID}`, members: ['/dev/sda'], signature: { type: 'ntfs' } },
    ]);
  });

  test('says that it is encrypted when there is no key', () => {
    expect(disk(build({ protectors: [{ kind: 'startup key' }] }).bytes)).toMatchObject([
      { device: '/dev/sda', error: { kind: 'encrypted', message: expect.stringContaining('startup key') } },
    ]);
  });
});

describe('a hostile BitLocker volume', () => {
  type Change = (copy: Buffer) => void;
  const u16 =
    (at: number, value: number): Change =>
    (copy) =>
      copy.writeUInt16LE(value, at);
  const u64 =
    (at: number, value: bigint): Change =>
    (copy) =>
      copy.writeBigUInt64LE(value, at);

  test.each([
    ['of a version to come', u16(10, 3), 'unsupported'],
    ['that is being converted', u16(12, 2), 'unsupported'],
    ['of a block that is no block', u16(8, 3), 'corrupt'],
    ['with metadata past the end of its block', u16(64, 60000), 'corrupt'],
    ['with an entry of no room', u16(112, 7), 'corrupt'],
    ['with an entry past the end', u16(112, 60000), 'corrupt'],
    ['of which nothing is encrypted', u64(16, 0n), 'corrupt'],
    ['encrypted up to within a sector', u64(16, 513n), 'corrupt'],
    ['with a copy of its metadata past the end', u64(48, 2n ** 52n), 'corrupt'],
    ['of an offset beyond all numbers', u64(40, 2n ** 64n - 1n), 'corrupt'],
  ] as const)('%s is refused', (_, change, kind) => {
    const { bytes, areas } = build();
    for (const at of areas) {
      change(bytes.subarray(at));
      // a block that lost its size has no checksum to mend
      if (bytes.readUInt16LE(at + 8) > 8) sealMetadata(bytes, at);
    }
    expect(() => open(bytes)).toThrow(expect.objectContaining({ name: 'DiskError', kind }));
  });

  test('whose sound copies of the metadata disagree is refused', () => {
    const { bytes, areas } = build();
    const second = areas[1] ?? 0;
    bytes.writeBigUInt64LE(BigInt(PLAIN_BYTES / 2), second + 16);
    sealMetadata(bytes, second);
    expect(() => open(bytes)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('do not agree') }),
    );
  });

  test('with sectors of no bytes, or encrypted as it is written, is refused', () => {
    const { bytes } = build();
    const none = Buffer.from(bytes);
    none.writeUInt16LE(0, 11);
    expect(() => open(none)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 11 }));
    bytes.write('3b4da89280dd0e4d9e4eb1e3284eaed8', 160, 'hex');
    expect(() => open(bytes)).toThrow(expect.objectContaining({ kind: 'unsupported', offset: 160 }));
  });

  test('of a method that is not known is refused by its number', () => {
    expect(() => open(build({ method: 0x8009 }).bytes)).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('0x8009') }),
    );
  });

  test('of any mutation ends in a DiskError or is opened', () => {
    const { bytes, areas } = build();
    const random = seededRandom(21);
    const heads = areas.map((at): [number, number] => [at, at + 480]);
    for (let round = 0; round < 300; round++) {
      const mutated = mutate(bytes, [[0, 512], ...heads], random);
      for (const at of areas) {
        const size = new DataView(mutated.buffer, mutated.byteOffset).getUint16(at + 8, true) * 16;
        if (at + size + 8 <= mutated.length)
          sealMetadata(Buffer.from(mutated.buffer, mutated.byteOffset, mutated.length), at);
      }
      expect(misbehaviour(() => open(mutated).plain.read(0, 4096))).toBeUndefined();
    }
  });
});

const noDislocker = !hasTool('dislocker-file');
if (noDislocker) console.warn('Skipping tests: dislocker-file is not installed');

describe.skipIf(noDislocker)('dislocker reads of the volumes that these tests write', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'guestkit-bitlocker-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ...METHODS.map(([name, method]) => [name, { method }] as const),
    ['Windows Vista', { version: 1, method: 0x8001 }] as const,
  ])('of %s what is read here', (_, plan) => {
    const { bytes, expected } = build(plan);
    writeFileSync(join(folder, 'volume'), bytes);
    execFileSync('dislocker-file', ['-V', 'volume', '-c', '--', 'plain'], { cwd: folder, stdio: 'pipe' });
    const decrypted = readFileSync(join(folder, 'plain'));
    // of Vista, dislocker leaves what BitLocker wrote in place of the copy of the MFT
    if ('version' in plan) expected.copy(decrypted, 56, 56, 64);
    rmSync(join(folder, 'plain'));
    expect(decrypted.equals(expected)).toBe(true);
  });
});

describe.skipIf(corpusAbsent)('BitLocker volumes of the corpus', () => {
  let folder: string;
  let answers: Map<string, Map<string, string>>;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'guestkit-bitlocker-'));
    unpackCorpus('volumes/cryptsetup/bitlk-images.tar.xz', folder);
    answers = readAnswers(readFileSync(join(folder, 'bitlk-images/images.conf'), 'utf8'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function openVolume(name: string, passphrases: readonly Uint8Array[]) {
    const fd = openSync(join(folder, `bitlk-images/bitlk-${name}.img`), 'r');
    return { fd, ...openBitlocker(new FileSource(fd), { passphrases, work: new KeyWork() }) };
  }

  function secret(name: string, kind: 'PW' | 'RP' | 'BEK'): Uint8Array {
    const answer = answers.get(`bitlk-${name}`);
    if (kind !== 'BEK') return Buffer.from(answer?.get(kind) ?? '');
    return readFileSync(join(folder, `bitlk-images/${answer?.get('SK_VMK_GUID')?.toUpperCase()}.BEK`));
  }

  test.each([
    ['aes-cbc-128-4k', 'PW'],
    ['aes-cbc-elephant-256', 'RP'],
    ['aes-xts-128-4k', 'PW'],
    ['aes-xts-256', 'RP'],
    ['aes-xts-128-unicode', 'PW'],
    ['aes-xts-128-crc', 'RP'],
    ['togo-aes-cbc-128', 'PW'],
    ['aes-xts-128-startup-key', 'BEK'],
    ['aes-xts-128-startup-key-win11', 'BEK'],
    ['aes-xts-128-clearkey-only', undefined],
  ] as const)('%s is read as cryptsetup reads it', (name, kind) => {
    const { fd, guid, plain: opened } = openVolume(name, kind === undefined ? [] : [secret(name, kind)]);
    const digest = createHash('sha256');
    const step = 2 ** 20;
    for (let at = 0; at < opened.sizeBytes; at += step)
      digest.update(opened.read(at, Math.min(step, opened.sizeBytes - at)));
    closeSync(fd);
    const answer = answers.get(`bitlk-${name}`);
    expect(guid).toBe(answer?.get('GUID'));
    expect(digest.digest('hex')).toBe(answer?.get('SHA256SUM'));
  });

  test.each(['aes-xts-128-eow', 'partially-encrypted-aes-cbc-128'])(
    '%s is refused, as it is encrypted as it is written',
    (name) => {
      expect(() => openVolume(name, [secret(name, 'PW')])).toThrow(expect.objectContaining({ kind: 'unsupported' }));
    },
  );
});

/** Sections of a name in brackets, of lines `KEY=value`. */
function readAnswers(text: string): Map<string, Map<string, string>> {
  return new Map(
    text.split(/\n(?=\[)/).map((section) => {
      const [name = '', ...lines] = section.split('\n');
      return [name.slice(1, -1), new Map(lines.map((line) => line.split('=', 2) as [string, string]))];
    }),
  );
}
