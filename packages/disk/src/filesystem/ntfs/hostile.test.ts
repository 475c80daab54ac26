import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { readAll } from '../testing/read-all.ts';
import { openNtfs } from './open.ts';
import { fillManyNames, makeCompressedFolder, setAttribute } from './testing/content.ts';
import { DamagedNtfs } from './testing/damaged.ts';
import { makeNtfs, ntfs3gAbsent } from './testing/ntfs-3g.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (volume: DamagedNtfs) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported' | 'encrypted';
  /** Where the error is said to be. */
  readonly offset?: number | ((volume: DamagedNtfs) => number);
}

const TYPE = { STANDARD: 0x10, LIST: 0x20, DATA: 0x80, ROOT: 0x90, BLOCKS: 0xa0, VOLUME: 0x70 };
const ROOT = 5;

const BOOT: readonly Hostile[] = [
  {
    what: 'sectors of 100 bytes',
    damage: (volume) => volume.setBoot(11, 100, 0),
    message: /bytes_per_sector/,
    offset: 11,
  },
  { what: 'sectors of 8 KiB', damage: (volume) => volume.setBoot(11, 0, 32), message: /bytes_per_sector/, offset: 11 },
  {
    what: 'no sectors in a cluster',
    damage: (volume) => volume.setBoot(13, 0),
    message: /sectors_per_cluster/,
    offset: 13,
  },
  {
    what: 'clusters of 4 MiB',
    damage: (volume) => volume.setBoot(13, 0xf3),
    message: /sectors_per_cluster/,
    offset: 13,
  },
  { what: 'clusters of 2^127 sectors', damage: (volume) => volume.setBoot(13, 0x81), message: /sectors_per_cluster/ },
  {
    what: 'records of 256 bytes',
    damage: (volume) => volume.setBoot(64, 0xf8),
    message: /clusters_per_mft_record/,
    offset: 64,
  },
  { what: 'records of 2^128 bytes', damage: (volume) => volume.setBoot(64, 0x80), message: /clusters_per_mft_record/ },
  { what: 'no sectors', damage: (volume) => volume.setBoot(40, 0, 0, 0, 0), message: /number_of_sectors/, offset: 40 },
  { what: '2^60 sectors', damage: (volume) => volume.setBoot(46, 0, 16), message: /number_of_sectors|2\^53/ },
  { what: 'a file table past the end', damage: (volume) => volume.setBoot(50, 1), message: /mft_lcn/, offset: 48 },
];

const RECORDS: readonly Hostile[] = [
  {
    what: 'a root of another magic',
    damage: (volume) => volume.set(volume.record(ROOT), 0x46, 0),
    message: /its magic/,
  },
  {
    what: 'a root that chkdsk gave up',
    damage: (volume) => volume.set32(volume.record(ROOT), 0x44414142),
    message: /BAAD/,
  },
  {
    what: 'a torn record',
    damage: (volume) => volume.set16(volume.record(ROOT) + 510, 0x1234),
    message: /torn/,
    offset: (volume) => volume.record(ROOT) + 510,
  },
  { what: 'no fix-ups', damage: (volume) => volume.set16(volume.record(ROOT) + 6, 0), message: /bad fix-ups/ },
  { what: 'too few fix-ups', damage: (volume) => volume.set16(volume.record(ROOT) + 6, 2), message: /bad fix-ups/ },
  {
    what: 'fix-ups past the record',
    damage: (volume) => volume.set16(volume.record(ROOT) + 4, 2000),
    message: /bad fix-ups/,
  },
  { what: 'a deleted file', damage: (volume) => volume.set16(volume.record('file') + 22, 0), message: /not in use/ },
  {
    what: 'a record used anew',
    damage: (volume) => volume.set16(volume.record('file') + 16, 99),
    message: /used 99 times/,
  },
  {
    what: 'a record that is too full',
    damage: (volume) => volume.set32(volume.record('file') + 24, 1025),
    message: /in use/,
  },
  {
    what: 'a record that continues another',
    damage: (volume) => volume.set16(volume.record('file') + 32, 7),
    message: /continues/,
  },
  {
    what: 'attributes past the record',
    damage: (volume) => volume.set16(volume.record('file') + 20, 1020),
    message: /structure ends/,
  },
  { what: 'an attribute of no length', damage: (volume) => volume.set32(data(volume) + 4, 0), message: /bad length/ },
  {
    what: 'an attribute past the record',
    damage: (volume) => volume.set32(data(volume) + 4, 1024),
    message: /bad length/,
  },
  {
    what: 'an attribute of 2^32 bytes',
    damage: (volume) => volume.set32(data(volume) + 4, 0xfffffff8),
    message: /bad length/,
  },
  {
    what: 'a value past its attribute',
    damage: (volume) => volume.set32(standard(volume) + 16, 5000),
    message: /its value is not/,
  },
  {
    what: 'a name past its attribute',
    damage: (volume) => volume.set(data(volume) + 9, 255),
    message: /its name is not/,
  },
  {
    what: 'a run list past its attribute',
    damage: (volume) => volume.set16(data(volume) + 32, 5000),
    message: /its run list is not/,
  },
  { what: 'a file table that is nowhere', damage: damageTable, message: /not say where it is|its magic/ },
  {
    what: 'version 9',
    damage: (volume) => volume.set(volume.value(3, TYPE.VOLUME) + 8, 9),
    message: /version is 9/,
    kind: 'unsupported',
  },
];

const CONTENT: readonly Hostile[] = [
  {
    what: 'a run of absurd numbers',
    damage: (volume) => volume.set(runs(volume), 0x99),
    message: /bad sizes/,
    offset: runs,
  },
  {
    what: 'a run of no clusters',
    damage: (volume) => volume.set(runs(volume), 0x11, 0),
    message: /a run of 0/,
    offset: runs,
  },
  {
    what: 'a run of less than none',
    damage: (volume) => volume.set(runs(volume), 0x11, 0x80),
    message: /a run of -128/,
  },
  {
    what: 'a run past the volume',
    damage: (volume) => volume.set(runs(volume), 0x31, 5, 0, 0, 0x7f),
    message: /0x7f0000, there are/,
  },
  {
    what: 'a run before the volume',
    damage: (volume) => volume.set(runs(volume), 0x11, 5, 0x80),
    message: /from -0x80/,
  },
  {
    what: 'a run list without an end',
    damage: (volume) => endless(volume),
    message: /it has no end|a run of|bad sizes|two runs/,
  },
  {
    what: 'two runs in one place',
    damage: (volume) => volume.set(runs(volume), 0x11, 8, 99, 0x11, 8, 1, 0),
    message: /in two runs/,
  },
  {
    what: 'a run list that is too short',
    damage: (volume) => volume.set(runs(volume), 0x11, 1, 99, 0),
    message: /it ends after 1/,
  },
  {
    what: 'a run list that begins later',
    damage: (volume) => volume.set(data(volume) + 16, 5),
    message: /not within it|first piece|goes on/,
  },
  { what: 'a size of 2^60', damage: (volume) => volume.set64(data(volume) + 48, 2 ** 60), message: /2\^53/ },
  {
    what: 'another compression',
    damage: (volume) => packed(volume, 2),
    message: /compression 0x2/,
    kind: 'unsupported',
  },
  { what: 'units of 2^40 clusters', damage: (volume) => packed(volume, 1, 40), message: /2\^40/, kind: 'unsupported' },
  { what: 'units that do not unpack', damage: damageUnit, message: /compressed unit at 0/ },
  {
    what: 'encryption',
    damage: (volume) => volume.set16(data(volume) + 12, 0x4000),
    message: /EFS/,
    kind: 'encrypted',
  },
];

const LISTS: readonly Hostile[] = [
  {
    what: 'an entry of no length',
    damage: (volume) => volume.set16(list(volume) + 4, 0),
    message: /entry of 0 bytes/,
  },
  { what: 'a record that is not there', damage: (volume) => moveListed(volume, 99_999), message: /there are/ },
  {
    what: 'a record of another file',
    damage: (volume) => moveListed(volume, volume.number('file')),
    message: /used|does not continue/,
  },
];

const FOLDERS: readonly Hostile[] = [
  {
    what: 'a block of another magic',
    damage: (volume) => volume.set(block(volume), 0),
    message: /INDX record: its magic/,
    offset: block,
  },
  {
    what: 'a torn block',
    damage: (volume) => volume.set16(block(volume) + 1022, 1),
    message: /torn/,
    offset: (volume) => block(volume) + 1022,
  },
  {
    what: 'a block of another number',
    damage: (volume) => volume.set(block(volume) + 16, 77),
    message: /a block says it is 77/,
  },
  {
    what: 'entries past a block',
    damage: (volume) => volume.set32(block(volume) + 28, 70_000),
    message: /entries from/,
  },
  {
    what: 'entries within the header',
    damage: (volume) => volume.set32(block(volume) + 24, 8),
    message: /entries from/,
  },
  {
    what: 'an entry of no length',
    damage: (volume) => volume.set16(entry(volume) + 8, 0),
    message: /an entry of 0 bytes/,
    offset: entry,
  },
  {
    what: 'an entry past its block',
    damage: (volume) => volume.set16(entry(volume) + 8, 8000),
    message: /an entry of 8000/,
  },
  { what: 'a key past its entry', damage: (volume) => volume.set16(entry(volume) + 10, 500), message: /a key of 500/ },
  { what: 'a name past its key', damage: (volume) => volume.set(entry(volume) + 16 + 64, 200), message: /bad name/ },
  {
    what: 'a name with a slash',
    damage: (volume) => volume.set(entry(volume) + 16 + 66, 0x2f, 0),
    message: /bad name/,
  },
  { what: 'a record of 2^40', damage: (volume) => volume.set(entry(volume) + 5, 1), message: /there are/ },
  {
    what: 'blocks of no size',
    damage: (volume) => volume.set32(volume.value('many', TYPE.ROOT) + 8, 0),
    message: /blocks of 0 bytes/,
  },
  {
    what: 'blocks of 3000 bytes',
    damage: (volume) => volume.set32(volume.value('many', TYPE.ROOT) + 8, 3000),
    message: /blocks of 3000/,
  },
  {
    what: 'a block that is not there',
    damage: (volume) => volume.set(subnode(volume), 0xff, 0xff),
    message: /it has no block/,
  },
  { what: 'one block twice', damage: blockTwice, message: /is in it twice/ },
  { what: 'a block above itself', damage: blockInItself, message: /is in it twice/ },
  { what: 'a folder inside itself', damage: folderInItself, message: /already known/ },
];

function data(volume: DamagedNtfs): number {
  return volume.attribute('file', TYPE.DATA);
}

function standard(volume: DamagedNtfs): number {
  return volume.attribute('file', TYPE.STANDARD);
}

function runs(volume: DamagedNtfs): number {
  return volume.runs('file', TYPE.DATA);
}

function damageTable(volume: DamagedNtfs): void {
  // the copy too, which is in the middle of the volume
  const mirror = Number(new DataView(volume.bytes.buffer).getBigUint64(56, true)) * volume.clusterBytes;
  for (const at of [volume.record(0), mirror]) volume.set(at, 0);
}

function endless(volume: DamagedNtfs): void {
  const start = runs(volume);
  const end = data(volume) + volume.get32(data(volume) + 4);
  for (let at = start; at < end; at++) volume.set(at, 0x01);
}

function packed(volume: DamagedNtfs, flags: number, unit = 4): void {
  volume.set16(data(volume) + 12, flags);
  volume.set16(data(volume) + 34, unit);
}

function damageUnit(volume: DamagedNtfs): void {
  const start = volume.firstRun('compressed/packed', TYPE.DATA);
  // a match before anything that it could repeat
  volume.set(start, 0x05, 0xb0, 0xff, 0xff, 0xff, 0xff, 0xff);
}

function moveListed(volume: DamagedNtfs, number: number): void {
  let at = list(volume);
  while (volume.get32(at + 16) === volume.number('listed')) at += volume.get16(at + 4);
  volume.set32(at + 16, number);
}

/** Where the entries of the attribute list are: it does not fit into the record either. */
function list(volume: DamagedNtfs): number {
  return volume.firstRun('listed', TYPE.LIST);
}

function block(volume: DamagedNtfs): number {
  return volume.firstRun('many', TYPE.BLOCKS);
}

function entry(volume: DamagedNtfs): number {
  return block(volume) + 24 + volume.get32(block(volume) + 24);
}

/** Where the first entry of the root of the index says which block comes before it. */
function subnode(volume: DamagedNtfs): number {
  const first = volume.value('many', TYPE.ROOT) + 32;
  return first + volume.get16(first + 8) - 8;
}

/** Where the entry of a block that the root is above says which block comes before it: the first, or one behind. */
function innerSubnode(volume: DamagedNtfs, index: number): number {
  const inner = block(volume) + volume.get32(subnode(volume)) * volume.clusterBytes;
  let at = inner + 24 + volume.get32(inner + 24);
  for (let before = 0; before < index; before++) at += volume.get16(at + 8);
  return at + volume.get16(at + 8) - 8;
}

function blockTwice(volume: DamagedNtfs): void {
  volume.set32(innerSubnode(volume, 1), volume.get32(innerSubnode(volume, 0)));
}

function blockInItself(volume: DamagedNtfs): void {
  volume.set32(innerSubnode(volume, 0), volume.get32(subnode(volume)));
}

function folderInItself(volume: DamagedNtfs): void {
  volume.set16(entry(volume), volume.number('many'));
  // any use of the record will do
  volume.set16(entry(volume) + 6, 0);
}

describe.skipIf(ntfs3gAbsent !== undefined)('a hostile NTFS volume', () => {
  let folder: string;
  let image: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ntfs-hostile-'));
    image = await makeNtfs(path.join(folder, 'image'), { args: '-c 1024', sizeBytes: 4 * 2 ** 20, fill });
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read when it is not damaged', () => {
    readAll(new DamagedNtfs(image).open());
  });

  test.each([...BOOT, ...RECORDS, ...CONTENT, ...LISTS, ...FOLDERS])(
    'with $what ends in a DiskError',
    ({ damage, message, kind = 'corrupt', offset }) => {
      const volume = new DamagedNtfs(image);
      const place = typeof offset === 'function' ? offset(volume) : offset;
      damage(volume);
      const error = { name: 'DiskError', kind, message: expect.stringMatching(message) };
      const expected = place === undefined ? error : { ...error, format: 'ntfs', offset: place };
      expect(() => readAll(volume.open())).toThrow(expect.objectContaining(expected));
    },
  );

  test('with a damaged boot sector is read by its copy, and says so', () => {
    const volume = new DamagedNtfs(image);
    volume.set(64, 0);
    expect(volume.open().warnings).toEqual([expect.stringContaining('boot sector damaged')]);
    readAll(volume.open());
  });

  test('with a damaged first record is read by its copy, and says so', () => {
    const volume = new DamagedNtfs(image);
    volume.set(volume.record(0), 0);
    expect(volume.open().warnings).toEqual([expect.stringContaining('file table damaged')]);
  });

  test.each([0, 1, 512, 5000, 100_000, 1_000_000])('cut after %d bytes ends in a DiskError', (length) => {
    const cut = new MemorySource(new DamagedNtfs(image).bytes.slice(0, length));
    expect(() => readAll(openNtfs(cut))).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});

function fill(mounted: string): void {
  writeFileSync(path.join(mounted, 'file'), 'x'.repeat(20_000));
  mkdirSync(path.join(mounted, 'folder'));
  fillManyNames(mounted, 150);
  const words = Array.from({ length: 9000 }, (_, index) => `word ${index % 300}`).join(' ');
  writeFileSync(path.join(makeCompressedFolder(mounted), 'packed'), words);
  const listed = path.join(mounted, 'listed');
  writeFileSync(listed, '');
  for (let index = 0; index < 30; index++) setAttribute(listed, `user.stream ${index}`, Buffer.alloc(30, index));
}
