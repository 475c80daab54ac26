import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { encryptWithQemu, writeStructured } from '../../testing/qemu.ts';
import { hasTool } from '../../testing/tool.ts';
import { KeyWork } from '../unlocking.ts';
import { LIMIT, LUKS1_SLOTS_AT } from './layout.ts';
import { openLuks } from './open.ts';
import { cheapLuks1 } from './testing.ts';

const PLAIN_BYTES = 2 ** 20;
const PASSPHRASE = Buffer.from('correct horse');
const WRONG = Buffer.from('battery staple');

let folder: string;
let plain: Buffer;
const inFolder = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-luks-'));
  writeStructured(inFolder('plain'), PLAIN_BYTES);
  plain = readFileSync(inFolder('plain'));
  writeFileSync(inFolder('key'), PASSPHRASE);
});

afterAll(() => rmSync(folder, { recursive: true }));

function unlocking(...passphrases: readonly Uint8Array[]) {
  return { passphrases, work: new KeyWork() };
}

function open(volume: Uint8Array, ...passphrases: readonly Uint8Array[]) {
  return openLuks(new MemorySource(volume), unlocking(...passphrases));
}

function luks1(options: string): Uint8Array {
  const secret = ['--object', `secret,id=key,file=${inFolder('key')}`];
  const target = ['-f', 'raw', '-O', 'luks', '-o', `key-secret=key,iter-time=10,${options}`];
  encryptWithQemu(folder, ['convert', ...secret, ...target, 'plain', 'luks1']);
  return readFileSync(inFolder('luks1'));
}

/** Encrypts in place, which needs no device mapper. */
function luks2(...options: readonly string[]): Buffer {
  copyFileSync(inFolder('plain'), inFolder('luks2'));
  truncateSync(inFolder('luks2'), PLAIN_BYTES + 32 * 2 ** 20);
  const how = ['--encrypt', '--type', 'luks2', '--reduce-device-size', '32M', '--key-file', 'key', '-q'];
  execFileSync('cryptsetup', ['reencrypt', ...how, ...options, 'luks2'], { cwd: folder, stdio: 'pipe' });
  return readFileSync(inFolder('luks2'));
}

const FAST = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
const noCryptsetup = !hasTool('cryptsetup');
if (noCryptsetup) console.warn('Skipping tests of LUKS2: cryptsetup is not installed');

function expectPlain(volume: Uint8Array): void {
  const opened = open(volume, PASSPHRASE);
  expect(opened.sizeBytes).toBeGreaterThanOrEqual(PLAIN_BYTES);
  expect(plain.equals(opened.read(0, PLAIN_BYTES))).toBe(true);
  // pieces that fit no sector
  const random = seededRandom(7);
  for (let piece = 0; piece < 50; piece++) {
    const offset = random(PLAIN_BYTES);
    const length = random(Math.min(9000, PLAIN_BYTES - offset));
    expect(plain.subarray(offset, offset + length).equals(opened.read(offset, length))).toBe(true);
  }
}

describe('a LUKS1 volume', () => {
  test.each([
    'cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,hash-alg=sha256',
    'cipher-alg=aes-128,cipher-mode=xts,ivgen-alg=plain,hash-alg=sha1',
    'cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha256,hash-alg=sha512',
    'cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=plain,hash-alg=ripemd160',
  ])('of %s is read as it was written', (options) => {
    expectPlain(luks1(options));
  });
});

describe('a LUKS1 volume made by hand', () => {
  const content = Buffer.alloc(4096, 'content');

  test('is read as it was written', () => {
    const opened = open(cheapLuks1(content, PASSPHRASE), PASSPHRASE);
    expect(content.equals(opened.read(0, content.length))).toBe(true);
  });

  test('of a cipher that is not known is refused by name', () => {
    const volume = cheapLuks1(content, PASSPHRASE);
    volume.write('serpent\0', 8);
    expect(() => open(volume, PASSPHRASE)).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('serpent-xts-plain64') }),
    );
  });

  test('whose vectors are made by a hash that nobody knows is refused', () => {
    const volume = cheapLuks1(content, PASSPHRASE);
    volume.write('cbc-essiv:essiv\0', 40);
    volume.writeUInt32BE(32, 108);
    expect(() => open(volume, PASSPHRASE)).toThrow(expect.objectContaining({ name: 'DiskError', kind: 'unsupported' }));
  });

  test.each([100_000_000, 2 ** 32 - 1])('that asks for %d iterations is refused, without making them', (iterations) => {
    const volume = cheapLuks1(content, PASSPHRASE);
    volume.writeUInt32BE(iterations, LUKS1_SLOTS_AT + 4);
    const message = expect.stringMatching(`${iterations} PBKDF2 iterations: it takes ${iterations * 2} .* at most`);
    expect(() => open(volume, PASSPHRASE)).toThrow(expect.objectContaining({ kind: 'unsupported', message }));
  });

  test('may cost no more than what is left for its disk', () => {
    const volume = cheapLuks1(content, PASSPHRASE);
    volume.writeUInt32BE(1000, LUKS1_SLOTS_AT + 4);
    const source = new MemorySource(volume);
    const work = new KeyWork(5000);
    expect(() => openLuks(source, { passphrases: [WRONG, WRONG], work })).toThrow(
      expect.objectContaining({ kind: 'encrypted' }),
    );
    expect(() => openLuks(source, { passphrases: [WRONG], work })).toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringContaining('at most 998, what is left') }),
    );
  });

  test('that cannot be opened is tried once, though another on the disk can', () => {
    const disk = twoPartitions(cheapLuks1(content, WRONG), cheapLuks1(content, PASSPHRASE));
    const read = vi.spyOn(disk, 'read');
    const { volumes } = openDisk(disk, { references: denyReferences, passphrases: [PASSPHRASE] });
    expect(volumes.map(({ device, error }) => [device, error?.kind])).toEqual([
      ['/dev/sda1', 'encrypted'],
      ['/dev/sda2', undefined],
      ['/dev/mapper/luks-00112233-4455-6677-8899-aabbccddeeff', undefined],
    ]);
    const keyMaterial = 512 + 4 * 512;
    expect(read.mock.calls.filter(([offset]) => offset === keyMaterial)).toHaveLength(1);
  });

  test.each([0, LIMIT.stripes + 1, 200_000])('with a key in %d stripes is refused, without merging them', (stripes) => {
    const volume = Buffer.concat([cheapLuks1(content, PASSPHRASE), Buffer.alloc(16 * 2 ** 20)]);
    volume.writeUInt32BE(stripes, LUKS1_SLOTS_AT + 44);
    expect(() => open(volume, PASSPHRASE)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(`${stripes} stripes`) }),
    );
  });
});

describe.skipIf(noCryptsetup)('a LUKS2 volume', () => {
  test.each([
    ['sectors of 512 bytes', ['--sector-size', '512', ...FAST]],
    ['sectors of 4096 bytes', ['--sector-size', '4096', ...FAST]],
    ['a key of 256 bits', ['--cipher', 'aes-xts-plain64', '--key-size', '256', ...FAST]],
    ['CBC', ['--cipher', 'aes-cbc-essiv:sha256', '--key-size', '256', ...FAST]],
    ['Argon2id', ['--pbkdf', 'argon2id', '--pbkdf-memory', '4096', '--pbkdf-force-iterations', '4']],
    ['Argon2i', ['--pbkdf', 'argon2i', '--pbkdf-memory', '1024', '--pbkdf-force-iterations', '5']],
    ['PBKDF2 with SHA-512', ['--hash', 'sha512', ...FAST]],
  ])('with %s is read as it was written', (_, options) => {
    expectPlain(luks2(...options));
  });

  test('is opened by its second header when the first is damaged', () => {
    const volume = luks2(...FAST);
    volume.fill(0, 4096, 8192);
    expectPlain(volume);
  });

  test('is opened by the newer of its two headers', () => {
    const volume = luks2(...FAST);
    writeFileSync(inFolder('luks2'), volume);
    const change = [
      'luksChangeKey',
      '--key-file',
      'key',
      '--pbkdf-force-iterations',
      '1000',
      '--pbkdf',
      'pbkdf2',
      '-q',
    ];
    writeFileSync(inFolder('other'), WRONG);
    execFileSync('cryptsetup', [...change, 'luks2', 'other'], { cwd: folder, stdio: 'pipe' });
    const changed = readFileSync(inFolder('luks2'));
    expect(() => open(changed, PASSPHRASE)).toThrow(expect.objectContaining({ kind: 'encrypted' }));
    expect(plain.equals(open(changed, WRONG).read(0, PLAIN_BYTES))).toBe(true);
  });

  test('within a partition of a disk is a volume with a filesystem', () => {
    const disk = encryptedDisk();
    const opened = openDisk(disk, { references: denyReferences, passphrases: [PASSPHRASE] });
    const inner = opened.volumes.find(({ device }) => device.startsWith('/dev/mapper/luks-'));
    expect(inner).toMatchObject({
      members: ['/dev/sda1'],
      signature: { type: 'ext4', label: 'secret' },
      error: undefined,
    });
    expect(opened.volumes.find(({ device }) => device === '/dev/sda1')).toMatchObject({ error: undefined });
    expect(inner?.fileSystem).toBeDefined();
  });

  test('without its passphrase stays shut, and says so', () => {
    const disk = encryptedDisk();
    for (const passphrases of [[], [WRONG]]) {
      const opened = openDisk(disk, { references: denyReferences, passphrases });
      expect(opened.volumes).toHaveLength(1);
      expect(opened.volumes[0]).toMatchObject({ device: '/dev/sda1', error: { kind: 'encrypted' } });
    }
  });
});

function twoPartitions(...volumes: readonly [Uint8Array, Uint8Array]): MemorySource {
  const disk = Buffer.concat([Buffer.alloc(512), ...volumes]);
  const [first, second] = volumes.map(({ length }) => length / 512) as [number, number];
  for (const [at, start, sectors] of [
    [446, 1, first],
    [462, 1 + first, second],
  ] as const) {
    disk.writeUInt8(0x83, at + 4);
    disk.writeUInt32LE(start, at + 8);
    disk.writeUInt32LE(sectors, at + 12);
  }
  disk.writeUInt16LE(0xaa55, 510);
  return new MemorySource(disk);
}

/** A disk whose one partition is encrypted and holds an ext4. */
function encryptedDisk(): MemorySource {
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'secret', 'ext4', '8M'], { cwd: folder, stdio: 'pipe' });
  truncateSync(inFolder('ext4'), 40 * 2 ** 20);
  const how = ['--encrypt', '--type', 'luks2', '--reduce-device-size', '32M', '--key-file', 'key', '-q', ...FAST];
  execFileSync('cryptsetup', ['reencrypt', ...how, 'ext4'], { cwd: folder, stdio: 'pipe' });
  const partition = readFileSync(inFolder('ext4'));
  rmSync(inFolder('ext4'));
  const disk = Buffer.alloc(2 ** 20 + partition.length);
  partition.copy(disk, 2 ** 20);
  // an MBR with one partition from the first MiB on
  disk.writeUInt8(0x83, 450);
  disk.writeUInt32LE(2048, 454);
  disk.writeUInt32LE(partition.length / 512, 458);
  disk.writeUInt16LE(0xaa55, 510);
  return new MemorySource(disk);
}

describe.skipIf(noCryptsetup)('a hostile LUKS2 header', () => {
  type Change = (metadata: Record<string, never>) => void;
  const set =
    (place: string, value: unknown): Change =>
    (metadata) => {
      const names = place.split('.');
      const last = names.pop() ?? '';
      const holder = names.reduce<Record<string, never>>((at, name) => at[name] ?? {}, metadata);
      if (value === undefined) delete holder[last];
      else holder[last] = value as never;
    };

  test.each([
    ['no key slots at all', set('keyslots', undefined), 'corrupt'],
    ['a key slot of no object', set('keyslots.0', 7), 'corrupt'],
    ['more memory than anybody has', set('keyslots.0.kdf', argon2({ memory: 2 ** 31 })), 'unsupported'],
    ['passes without end', set('keyslots.0.kdf', argon2({ time: 2 ** 31 })), 'unsupported'],
    ['many passes over much memory', set('keyslots.0.kdf', argon2({ time: 64, memory: 2 ** 20 })), 'unsupported'],
    ['a lane of none', set('keyslots.0.kdf', argon2({ cpus: 0 })), 'unsupported'],
    ['iterations without end', set('keyslots.0.kdf.iterations', 2 ** 40), 'unsupported'],
    ['a negative count', set('keyslots.0.kdf.iterations', -1), 'corrupt'],
    ['stripes without end', set('keyslots.0.af.stripes', 2 ** 24), 'corrupt'],
    ['key material past the end', set('keyslots.0.area.offset', '999999999999'), 'corrupt'],
    ['an absurd offset of the payload', set('segments.0.offset', '18446744073709551615'), 'corrupt'],
    ['sectors of 3 bytes', set('segments.0.sector_size', 3), 'corrupt'],
    ['a cipher of another world', set('segments.0.encryption', 'rot13-ecb'), 'unsupported'],
    ['a hash of another world', set('digests.0.hash', '../../etc/passwd'), 'unsupported'],
    ['a salt that is none', set('digests.0.salt', '!!!!'), 'corrupt'],
    ['a requirement', set('config.requirements', { mandatory: ['time-travel'] }), 'unsupported'],
  ])('with %s is refused', (_, change, kind) => {
    const source = new MemorySource(withMetadata(luks2Once(), change));
    expect(() => openLuks(source, unlocking(PASSPHRASE))).toThrow(expect.objectContaining({ name: 'DiskError', kind }));
  });

  test('of any mutation ends in a DiskError or is opened', () => {
    const volume = luks2Once().subarray(0, 64 * 1024);
    const random = seededRandom(20);
    for (let round = 0; round < 300; round++) {
      const mutated = mutate(
        volume,
        [
          [0, 512],
          [4096, 8192],
        ],
        random,
      );
      expect(misbehaviour(() => open(mutated))).toBeUndefined();
    }
  });
});

function argon2(changed: Readonly<Record<string, number>>) {
  return { type: 'argon2id', time: 4, memory: 1024, cpus: 1, salt: 'AAAAAAAAAAAAAAAAAAAAAA==', ...changed };
}

let made: Buffer | undefined;

function luks2Once(): Buffer {
  made ??= luks2(...FAST);
  return Buffer.from(made);
}

/** A volume with one header, whose metadata is changed and whose checksum is right. */
function withMetadata(volume: Buffer, change: (metadata: Record<string, never>) => void): Buffer {
  const size = Number(volume.readBigUInt64BE(8));
  const json = volume.subarray(4096, size);
  const metadata = JSON.parse(json.subarray(0, json.indexOf(0)).toString());
  change(metadata);
  json.fill(0);
  json.write(JSON.stringify(metadata));
  volume.fill(0, 448, 512);
  const digest = createHash('sha256').update(volume.subarray(0, size)).digest();
  digest.copy(volume, 448);
  volume.fill(0, size, size + 8);
  return volume;
}

describe.skipIf(corpusAbsent)('LUKS volumes of the corpus', () => {
  test.each([
    ['volumes/cryptsetup/compatimage.img.xz', 'compatkey'],
    ['volumes/cryptsetup/compatimage2.img.xz', 'compatkey'],
    ['volumes/dfvfs/luks1.raw.xz', 'luksde-TEST'],
  ])('%s opens with its passphrase and no other', (file, passphrase) => {
    const source = new MemorySource(readCorpus(file));
    expect(() => openLuks(source, unlocking(WRONG))).toThrow(expect.objectContaining({ kind: 'encrypted' }));
    expect(openLuks(source, unlocking(Buffer.from(passphrase))).sizeBytes).toBeGreaterThan(0);
  });

  test('the one with a filesystem shows it', () => {
    const source = new MemorySource(readCorpus('volumes/dfvfs/luks1.raw.xz'));
    const { volumes } = openDisk(source, { references: denyReferences, passphrases: [Buffer.from('luksde-TEST')] });
    expect(volumes.at(-1)).toMatchObject({ device: '/dev/sda', signature: { type: 'ext2', label: 'ext2_test' } });
    expect(volumes.at(-1)?.fileSystem).toBeDefined();
  });
});
