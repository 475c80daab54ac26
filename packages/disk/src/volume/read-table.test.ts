import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../testing/corpus.ts';
import type { PartitionTable } from './partition-table.ts';
import { readPartitionTable } from './read-table.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-table-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function blank(sizeMiB: number): string {
  const path = join(folder, 'disk');
  writeFileSync(path, '');
  truncateSync(path, sizeMiB * 2 ** 20);
  return path;
}

function bySfdisk(script: string, sizeMiB = 36): Buffer {
  const path = blank(sizeMiB);
  execFileSync('sfdisk', ['-q', path], { input: script, stdio: 'pipe' });
  return readFileSync(path);
}

// sgdisk sleeps for a second after it writes, so each table is made once
const made = new Map<string, Buffer>();

function bySgdisk(args: string): Buffer {
  const known = made.get(args) ?? runSgdisk(args);
  made.set(args, known);
  return Buffer.from(known);
}

function runSgdisk(args: string): Buffer {
  const path = blank(8);
  execFileSync('sgdisk', [...args.split(' '), path], { stdio: 'pipe' });
  return readFileSync(path);
}

function read(bytes: Uint8Array): PartitionTable | undefined {
  return readPartitionTable(new MemorySource(bytes));
}

interface SfdiskTable {
  readonly label: string;
  readonly id?: string;
  readonly partitions?: readonly {
    readonly node: string;
    readonly start: number;
    readonly size: number;
    readonly type: string;
    readonly uuid?: string;
    readonly name?: string;
  }[];
}

function askSfdisk(bytes: Uint8Array): SfdiskTable {
  const path = join(folder, 'answer');
  writeFileSync(path, bytes);
  return JSON.parse(execFileSync('sfdisk', ['-J', path], { encoding: 'utf8' })).partitiontable;
}

/** Our table in the words of sfdisk. */
function asSfdisk(table: PartitionTable | undefined) {
  return table?.partitions.map(({ number, startBytes, sizeBytes, type, uuid, name }) => ({
    number,
    start: startBytes / table.sectorSize,
    size: sizeBytes / table.sectorSize,
    type: type.replace(/^0x0?/, ''),
    ...(table.scheme === 'gpt' ? { uuid: uuid?.toUpperCase(), name: name ?? '' } : {}),
  }));
}

function normalised(answer: SfdiskTable) {
  return answer.partitions?.map(({ node, start, size, type, uuid, name }) => ({
    number: Number(/(\d+)$/.exec(node)?.[1]),
    start,
    size,
    type,
    ...(answer.label === 'gpt' ? { uuid, name: name ?? '' } : {}),
  }));
}

function expectSameAsSfdisk(bytes: Uint8Array): PartitionTable {
  const table = read(bytes);
  const answer = askSfdisk(bytes);
  expect(table?.scheme).toBe(answer.label === 'dos' ? 'mbr' : answer.label);
  expect(asSfdisk(table)).toEqual(normalised(answer) ?? []);
  if (table === undefined) throw new Error('no table');
  expect(table.diskId).toBe(answer.id?.replace(/^0x/, '').toLowerCase());
  return table;
}

const LOGICAL = `label: dos
label-id: 0x1234abcd
start=2048, size=2048, type=83, bootable
start=4096, size=60000, type=5
start=65536, size=4096, type=82
start=6144, size=4096, type=83
start=12288, size=4096, type=8e
start=18432, size=4096, type=c`;

describe('MBR', () => {
  test('reads primary and logical partitions as sfdisk does', () => {
    const table = expectSameAsSfdisk(bySfdisk(LOGICAL));
    expect(table.warnings).toEqual([]);
    expect(table.partitions.map(({ number, kind }) => `${number} ${kind}`)).toEqual([
      '1 primary',
      '2 extended',
      '3 primary',
      '5 logical',
      '6 logical',
      '7 logical',
    ]);
    expect(table.partitions[0]).toMatchObject({ uuid: '1234abcd-01', bootable: true, typeName: 'Linux filesystem' });
    expect(table.partitions[4]).toMatchObject({ uuid: '1234abcd-06', bootable: false, typeName: 'Linux LVM' });
  });

  test('reads an empty table', () => {
    expect(expectSameAsSfdisk(bySfdisk('label: dos\n')).partitions).toEqual([]);
  });

  test('ends a chain of logical partitions that comes back to itself', () => {
    const disk = bySfdisk(LOGICAL);
    // the second record of the chain points to itself: sector 8192 of the extended partition at 4096
    const second = 10240 * 512;
    expect(disk.readUInt16LE(second + 510)).toBe(0xaa55);
    disk.writeUInt32LE(10240 - 4096, second + 446 + 16 + 8);
    const table = read(disk);
    expect(table?.partitions.map(({ number }) => number)).toEqual([1, 2, 3, 5, 6]);
    expect(table?.warnings).toEqual(['chain of logical partitions comes back to 0x500000']);
  });

  test('says where a chain is broken, and keeps what came before', () => {
    const disk = bySfdisk(LOGICAL);
    disk.fill(0, 10240 * 512, 10241 * 512);
    const table = read(disk);
    expect(table?.partitions.map(({ number }) => number)).toEqual([1, 2, 3, 5]);
    expect(table?.warnings).toEqual(['chain of logical partitions is broken at 0x500000']);
  });

  test('follows at most 128 logical partitions', () => {
    const disk = Buffer.alloc(512 * 400);
    record(disk, 0, [[0x05, 1, 399]]);
    for (let sector = 1; sector < 399; sector++)
      record(disk, sector, [
        [0x83, 1, 1],
        [0x05, sector, 1],
      ]);
    const table = read(disk);
    expect(table?.partitions.filter(({ kind }) => kind === 'logical')).toHaveLength(128);
    expect(table?.warnings).toContain('chain of logical partitions is cut after 128');
  });

  test('warns of a partition past the end, and of overlaps', () => {
    const disk = Buffer.alloc(512 * 100);
    record(disk, 0, [
      [0x83, 10, 50],
      [0x83, 40, 100],
    ]);
    expect(read(disk)?.warnings).toEqual([
      'partition 2 ends at 0x11800, past the end of the disk at 0xc800',
      'partition 2 overlaps partition 1',
    ]);
  });

  test('says that a protective MBR has no GPT behind it', () => {
    const disk = Buffer.alloc(512 * 100);
    record(disk, 0, [[0xee, 1, 99]]);
    expect(read(disk)).toMatchObject({ scheme: 'mbr', warnings: ['MBR says there is a GPT, but there is none'] });
  });

  test.each(['mkfs.vfat -F 12', 'mkfs.vfat -F 32', 'mkntfs -q -F -f', 'mkfs.exfat'])(
    'is not seen in a volume made by %s',
    (command) => {
      const path = blank(40);
      const [program, ...args] = command.split(' ');
      execFileSync(program ?? '', [...args, path], { stdio: 'pipe' });
      expect(read(readFileSync(path))).toBeUndefined();
    },
  );

  test('is not seen in a boot loader above a filesystem, when it names no partition', () => {
    const path = blank(8);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', path]);
    const disk = readFileSync(path);
    disk.writeUInt16LE(0xaa55, 510);
    expect(read(disk)).toBeUndefined();
  });
});

/** A boot record with entries of type, start and sectors. */
function record(disk: Buffer, sector: number, entries: readonly (readonly [number, number, number])[]): void {
  const at = sector * 512;
  disk.writeUInt16LE(0xaa55, at + 510);
  for (const [index, [type, start, sectors]] of entries.entries()) {
    const entry = at + 446 + index * 16;
    disk.writeUInt8(type, entry + 4);
    disk.writeUInt32LE(start, entry + 8);
    disk.writeUInt32LE(sectors, entry + 12);
  }
}

const THREE =
  '-n 1:2048:+1M -t 1:ef00 -c 1:EFI -n 2:0:+2M -t 2:8300 -c 2:root-ünïcode -n 5:0:0 -t 5:8e00 -A 2:set:2 -A 2:set:63';

describe('GPT', () => {
  test('reads partitions as sfdisk does', () => {
    const table = expectSameAsSfdisk(bySgdisk(THREE));
    expect(table).toMatchObject({ sectorSize: 512, warnings: [] });
    expect(table.partitions).toMatchObject([
      { number: 1, typeName: 'EFI System', name: 'EFI', bootable: false },
      { number: 2, typeName: 'Linux filesystem', bootable: true, attributes: '0x8000000000000004' },
      { number: 5, typeName: 'Linux LVM' },
    ]);
  });

  test('reads more than 128 entries', () => {
    const many = Array.from({ length: 150 }, (_, index) => `-n ${index + 1}:${4096 + index * 8}:+1K -a 1`).join(' ');
    const table = expectSameAsSfdisk(bySgdisk(`-S 256 ${many}`));
    expect(table.partitions).toHaveLength(150);
  });

  test.each([2048, 4096] as const)('reads a disk with sectors of %d bytes', (sectorSize) => {
    const disk = withSectorSize(bySgdisk('-a 1 -n 1:40:49 -n 2:50:99'), sectorSize);
    const table = read(disk);
    expect(table).toMatchObject({ scheme: 'gpt', sectorSize, warnings: [] });
    expect(
      table?.partitions.map(({ startBytes, sizeBytes }) => [startBytes / sectorSize, sizeBytes / sectorSize]),
    ).toEqual([
      [40, 10],
      [50, 50],
    ]);
  });

  test('reads entries that are larger than 128 bytes', () => {
    const disk = bySgdisk(THREE);
    const entries = Buffer.alloc(64 * 256);
    for (let index = 0; index < 64; index++) disk.copy(entries, index * 256, 1024 + index * 128, 1152 + index * 128);
    entries.copy(disk, 1024);
    disk.writeUInt32LE(64, 512 + 80);
    disk.writeUInt32LE(256, 512 + 84);
    disk.writeUInt32LE(crc32(entries), 512 + 88);
    seal(disk, 512);
    expect(read(disk)?.partitions.map(({ number, name }) => [number, name])).toEqual([
      [1, 'EFI'],
      [2, 'root-ünïcode'],
      [5, ''],
    ]);
  });

  test.each([
    ['header', (disk: Buffer) => disk.writeUInt8(0xff, 512 + 40), 'header: checksum is wrong'],
    ['signature', (disk: Buffer) => disk.fill(0, 512, 1024), 'header: signature is missing'],
    ['entries', (disk: Buffer) => disk.writeUInt8(0xff, 1024), 'entries: checksum is wrong'],
  ])('uses the backup when the primary %s is damaged, and says so', (_, damage, reason) => {
    const disk = bySgdisk(THREE);
    const sound = read(disk);
    damage(disk);
    const table = read(disk);
    expect(table?.partitions).toEqual(sound?.partitions);
    expect(table?.warnings).toEqual([`primary GPT is damaged, its backup was used: Cannot read GPT ${reason}`]);
  });

  test('refuses a disk on which both copies are damaged', () => {
    const disk = bySgdisk(THREE);
    disk.writeUInt8(0xff, 512 + 40);
    disk.writeUInt8(0xff, disk.length - 512 + 40);
    expect(() => read(disk)).toThrow(expect.objectContaining({ kind: 'corrupt', format: 'gpt' }));
  });

  test.each([
    ['an entry size that is no power of two', 84, 130],
    ['an entry size of zero', 84, 0],
    ['a billion entries', 80, 1_000_000_000],
    ['entries past the end of the disk', 72, 0x7fffffff],
    ['a header longer than its sector', 12, 0x10000],
    ['a header that is elsewhere', 24, 7],
  ])('refuses %s', (_, offset, value) => {
    const disk = bySgdisk(THREE);
    disk.writeUInt32LE(value, 512 + offset);
    seal(disk, 512);
    disk.fill(0, disk.length - 512);
    expect(() => read(disk)).toThrow(expect.objectContaining({ kind: 'corrupt', format: 'gpt' }));
  });

  test('warns when the disk was grown and the backup is not at its end', () => {
    const disk = Buffer.concat([bySgdisk(THREE), Buffer.alloc(2 ** 20)]);
    expect(read(disk)?.warnings).toEqual(['backup GPT is not at the end of the disk']);
  });

  test('does not count when the MBR does not announce it', () => {
    const disk = bySgdisk(THREE);
    disk.fill(0, 446, 510);
    record(disk, 0, [[0x83, 2048, 4096]]);
    expect(read(disk)).toMatchObject({ scheme: 'mbr', partitions: [{ number: 1, type: '0x83' }] });
  });

  test('says that its MBR is hybrid', () => {
    const disk = bySgdisk(THREE);
    record(disk, 0, [
      [0x0c, 2048, 2048],
      [0xee, 1, 2047],
    ]);
    expect(read(disk)).toMatchObject({ scheme: 'gpt', warnings: [expect.stringContaining('hybrid')] });
  });
});

/** Puts the right checksum into a header. */
function seal(disk: Buffer, at: number): void {
  disk.writeUInt32LE(0, at + 16);
  disk.writeUInt32LE(crc32(disk.subarray(at, at + disk.readUInt32LE(at + 12))), at + 16);
}

/** The same table as a tool writes it on a disk whose sectors are larger: every LBA stays, its meaning grows. */
function withSectorSize(disk: Buffer, sectorSize: number): Buffer {
  const sectors = disk.length / 512;
  const wide = Buffer.alloc(sectors * sectorSize);
  disk.copy(wide, 0, 0, 512);
  disk.copy(wide, sectorSize, 512, 1024);
  disk.copy(wide, 2 * sectorSize, 1024, 1024 + 128 * 128);
  disk.copy(wide, (sectors - 1) * sectorSize, disk.length - 512);
  disk.copy(wide, (sectors - 33) * sectorSize, disk.length - 33 * 512, disk.length - 512);
  return wide;
}

interface CorpusAnswer {
  readonly sfdisk?: SfdiskTable;
}

const corpusTables = [...corpusFiles('partitions/*/*.ref.json'), ...corpusFiles('formats/*/*.raw.*.ref.json')].flatMap(
  (file) => {
    const answer: CorpusAnswer = JSON.parse(readCorpusText(file));
    const isOurs = answer.sfdisk?.label === 'gpt' || answer.sfdisk?.label === 'dos';
    return isOurs && answer.sfdisk !== undefined
      ? [{ file: file.replace('.ref.json', ''), sfdisk: answer.sfdisk }]
      : [];
  },
);

describe.skipIf(corpusAbsent !== undefined)('partition tables made elsewhere', () => {
  // sfdisk was not told that its sectors have 4096 bytes, and saw the protective MBR alone
  const OTHER_SECTORS = 'partitions/gptman/disk2.img.xz';

  test.each(corpusTables.filter(({ file }) => file !== OTHER_SECTORS))(
    'reads $file as sfdisk does',
    ({ file, sfdisk }) => {
      const table = read(readCorpus(file));
      expect(asSfdisk(table)).toEqual(normalised(sfdisk));
    },
  );

  test('reads a GPT with sectors of 4096 bytes', () => {
    expect(read(readCorpus(OTHER_SECTORS))).toMatchObject({ scheme: 'gpt', sectorSize: 4096, warnings: [] });
  });
});
