import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denyReferences } from '../image/references.ts';
import { openDisk } from '../open-disk.ts';
import { MemorySource } from '../source/memory-source.ts';
import { misbehaviour, mutate, seededRandom } from '../testing/mutation.ts';
import { hasTool } from '../testing/tool.ts';
import { readPartitionTable } from './read-table.ts';

const MIB = 2 ** 20;
const PARTS = ['mkpart', '1MiB', '3MiB', 'mkpart', '3MiB', '6MiB'];
const APPLE_PARTS = ['mkpart', 'one', 'hfs+', '1MiB', '3MiB', 'mkpart', 'two', 'ext2', '3MiB', '6MiB'];

const hasTools = hasTool('parted') && hasTool('partx');
if (!hasTools) console.warn('Skipping tests of BSD and Apple tables: parted or partx is absent');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-table-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasTools)('a BSD label', () => {
  test('of a whole disk is read as partx does', () => {
    const disk = byParted('bsd', PARTS);
    expect(read(disk)).toMatchObject({ scheme: 'bsd', warnings: [], partitions: [{ name: 'a' }, { name: 'b' }] });
    expect(asPartx(disk)).toEqual(askPartx(disk));
  });

  test.each([
    ['FreeBSD', 'a5', 2048],
    ['OpenBSD', 'a6', 0],
    ['NetBSD', 'a9', 0],
  ])('within a partition of %s divides it, and is numbered on', (_, type, start) => {
    const label = byParted('bsd', PARTS).subarray(0, 1024);
    const disk = bySfdisk(`start=${start || 1},size=12288,type=${type}\nstart=14336,size=1024,type=83\n`);
    // what FreeBSD counts from the start of the partition, others count from that of the disk
    label.copy(disk, (start || 1) * 512 + 64, 64);
    expect(asPartx(disk)).toEqual(askPartx(disk));
    expect(read(disk)?.partitions.map(({ number, name }) => [number, name])).toEqual([
      [1, undefined],
      [2, undefined],
      [5, 'a'],
      [6, 'b'],
    ]);
    expect(read(disk)?.warnings).toEqual([]);
  });

  test('in the second sector, where PCs have it, is found too', () => {
    const disk = byParted('bsd', PARTS);
    disk.copy(disk, 512, 64, 64 + 512);
    disk.fill(0, 64, 512);
    expect(asPartx(disk)).toEqual(askPartx(disk));
  });

  test('that leaves the partition it is in is left out there, with a warning', () => {
    const disk = bySfdisk('start=2048,size=7000,type=a5\n');
    byParted('bsd', PARTS).copy(disk, 2048 * 512 + 64, 64, 576);
    expect(read(disk)?.partitions.map(({ number }) => number)).toEqual([1, 5]);
    expect(read(disk)?.warnings).toEqual([expect.stringContaining('BSD partition b leaves partition 1')]);
  });

  test('of which only half is there is named, not read', () => {
    const disk = byParted('bsd', PARTS);
    disk.writeUInt8(1, 64 + 132);
    expect(read(disk)).toBeUndefined();
    const [volume] = openDisk(new MemorySource(disk), { references: denyReferences }).volumes;
    expect(volume?.error).toMatchObject({ kind: 'unsupported', message: expect.stringContaining('BSD disklabel') });
  });
});

describe.skipIf(!hasTools)('a Minix partition', () => {
  test('is divided as partx does it, by entries of its own type only', () => {
    const disk = minix(['start=2056,size=2000,type=81', 'start=4096,size=8,type=83', 'start=5000,size=3000,type=81']);
    expect(asPartx(disk)).toEqual(askPartx(disk));
    expect(read(disk)).toMatchObject({
      warnings: [],
      partitions: [
        { number: 1, type: '0x81', typeName: 'Minix' },
        { number: 2, type: '0x83' },
        { number: 5, name: 's0', startBytes: 2056 * 512, sizeBytes: 2000 * 512 },
        { number: 6, name: 's2', startBytes: 5000 * 512, sizeBytes: 3000 * 512 },
      ],
    });
  });

  test('whose first entry is of another type is a boot sector, and not divided', () => {
    const disk = minix(['start=2056,size=2000,type=83', 'start=4096,size=8,type=81']);
    // partx, other than the kernel, goes by each entry alone
    expect(read(disk)?.partitions).toHaveLength(2);
  });

  test('leaves out what lies outside of it, with a warning', () => {
    const disk = minix(['start=2056,size=2000,type=81', 'start=13000,size=100,type=81']);
    expect(read(disk)?.partitions.map(({ number }) => number)).toEqual([1, 2, 5]);
    expect(read(disk)?.warnings).toEqual([expect.stringContaining('Minix partition s1 leaves partition 1')]);
  });
});

describe.skipIf(!hasTools)('an Atari table', () => {
  test('is named, not taken for an empty disk', () => {
    const [volume] = openDisk(new MemorySource(atari()), { references: denyReferences }).volumes;
    const message = expect.stringContaining('Atari partition table');
    expect(volume).toMatchObject({ signature: undefined, error: { kind: 'unsupported', message } });
  });

  test.each([
    ['no entry in use', (disk: Buffer) => disk.fill(0, 0x1c6, 0x1f6)],
    ['an entry that reaches past the end', (disk: Buffer) => disk.writeUInt32BE(2 ** 32 - 1, 0x1ce)],
    ['a name that is none', (disk: Buffer) => disk.writeUInt8(0x20, 0x1c7)],
  ])('with %s is none', (_, change) => {
    const disk = atari();
    change(disk);
    const [volume] = openDisk(new MemorySource(disk), { references: denyReferences }).volumes;
    expect(volume?.error).toBeUndefined();
  });
});

describe.skipIf(!hasTools)('an Apple partition map', () => {
  test('is read as partx does', () => {
    const disk = byParted('mac', APPLE_PARTS);
    expect(read(disk)).toMatchObject({ scheme: 'apm', sectorSize: 512, warnings: [] });
    expect(read(disk)?.partitions[1]).toMatchObject({ name: 'one', type: 'Apple_HFS' });
    expect(asPartx(disk)).toEqual(askPartx(disk));
  });

  test('that breaks off is read up to there', () => {
    const disk = byParted('mac', APPLE_PARTS);
    disk.writeUInt32BE(2 ** 32 - 1, 516);
    expect(read(disk)?.partitions).toHaveLength(5);
    expect(read(disk)?.warnings).toContainEqual(expect.stringContaining('breaks off before entry 6'));
  });
});

test.skipIf(!hasTools)('changed tables end in a DiskError or well', () => {
  const random = seededRandom(11);
  const nested = bySfdisk('start=2048,size=14000,type=a5\n');
  byParted('bsd', PARTS).copy(nested, 2048 * 512 + 64, 64, 576);
  const samples = [
    {
      disk: minix(['start=2056,size=2000,type=81', 'start=5000,size=3000,type=81']),
      hot: [2048 * 512 + 446, 2048 * 512 + 512],
    },
    { disk: atari(), hot: [0x1c0, 512] },
    { disk: byParted('bsd', PARTS), hot: [64, 400] },
    { disk: byParted('mac', APPLE_PARTS), hot: [0, 3072] },
    { disk: nested, hot: [2048 * 512 + 64, 2048 * 512 + 400] },
  ] as const;
  for (let round = 0; round < 150; round++) {
    const { disk, hot } = samples[random(samples.length)] as (typeof samples)[number];
    const changed = mutate(disk, [hot], random);
    expect(misbehaviour(() => openDisk(new MemorySource(changed), { references: denyReferences }))).toBeUndefined();
  }
});

test('a dynamic disk of Windows is named', () => {
  const disk = Buffer.alloc(MIB);
  disk.writeUInt16LE(0xaa55, 510);
  disk.writeUInt8(0x42, 446 + 4);
  disk.writeUInt32LE(63, 446 + 8);
  disk.writeUInt32LE(1000, 446 + 12);
  expect(read(disk)?.warnings).toEqual([expect.stringContaining('LDM')]);
});

function read(disk: Uint8Array) {
  return readPartitionTable(new MemorySource(disk));
}

function asPartx(disk: Uint8Array): readonly string[] {
  const partitions = read(disk)?.partitions ?? [];
  return partitions.map(({ number, startBytes, sizeBytes }) => `${number} ${startBytes / 512} ${sizeBytes / 512}`);
}

function askPartx(disk: Uint8Array): readonly string[] {
  const file = join(folder, 'answer');
  writeFileSync(file, disk);
  const lines = execFileSync('partx', ['--show', '-g', '-o', 'NR,START,SECTORS', file], { encoding: 'utf8' });
  return lines
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/ +/g, ' '));
}

function byParted(label: string, parts: readonly string[]): Buffer {
  const file = blank('parted');
  execFileSync('parted', ['-s', file, 'mklabel', label, ...parts], { stdio: 'pipe' });
  return readFileSync(file);
}

function bySfdisk(script: string): Buffer {
  const file = blank('sfdisk');
  execFileSync('sfdisk', ['-q', file], { input: script, stdio: 'pipe' });
  return readFileSync(file);
}

/** A disk whose first partition is of Minix, and has a table in its first sector. */
function minix(entries: readonly string[]): Buffer {
  const table = bySfdisk(`${entries.join('\n')}\n`).subarray(0, 512);
  const disk = bySfdisk('start=2048,size=10000,type=81\nstart=12288,size=2048,type=83\n');
  table.copy(disk, 2048 * 512);
  return disk;
}

/** One partition of an Atari, as its tools write it: no signature, a name of three letters. */
function atari(): Buffer {
  const disk = Buffer.alloc(8 * MIB);
  disk.writeUInt32BE(disk.length / 512, 0x1c2);
  disk.write('\x01GEM', 0x1c6, 'latin1');
  disk.writeUInt32BE(2, 0x1ca);
  disk.writeUInt32BE(1000, 0x1ce);
  return disk;
}

function blank(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, '');
  truncateSync(file, 8 * MIB);
  return file;
}
