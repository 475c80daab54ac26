import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { hasTool } from '../../testing/tool.ts';
import { createFileTree } from '../tree.ts';
import { exfatFormat } from './format.ts';
import { openExfat } from './open.ts';
import { CLUSTER, ExfatImage, type ExfatTime, entrySet, FOLDER, ROOT_CLUSTER } from './testing/exfat-image.ts';

const MIB = 2 ** 20;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'guestkit-exfat-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasTool('mkfs.exfat'))('openExfat', () => {
  test.each([
    ['', 8 * MIB],
    ['-c 512', 4 * MIB],
    ['-c 32K', 64 * MIB],
    ['-c 1M -L ünï-label', 600 * MIB],
  ])('says what blkid and dump.exfat say of mkfs.exfat %s', (args, sizeBytes) => {
    const image = make(args, sizeBytes);
    const probe = execFileSync('blkid', ['-p', '-o', 'export', image], { encoding: 'utf8' });
    const dump = execFileSync('dump.exfat', [image], { encoding: 'utf8' });
    const number = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(dump)?.[1]);
    withImage(image, ({ type, label, uuid, warnings, root, freeBytes }) => {
      expect(probe).toContain(`TYPE=${type}\n`);
      expect(probe).toContain(`UUID=${uuid}\n`);
      expect(label).toBe(args.includes('-L') ? 'ünï-label' : undefined);
      expect(freeBytes).toBe(number('Free Clusters') * number('Cluster size'));
      expect(warnings).toEqual([]);
      expect([...root.list()]).toEqual([]);
      // all of the table that mkfs writes is used
      expect(root.lookup('x')).toBeUndefined();
    });
  });

  test('asks for the bytes it needs, however large the disk', () => {
    using file = FileSource.open(make('', 2 ** 40));
    const source = new CachedSource(file, { blockBytes: 512 });
    const fileSystem = openExfat(source);
    expect(createFileTree(fileSystem).names('/')).toEqual([]);
    expect(source.stats.bytes).toBeLessThan(100_000);
    expect(fileSystem.freeBytes).toBeGreaterThan(1000 * 2 ** 30);
  });

  function make(args: string, sizeBytes: number): string {
    const image = path.join(folder, `${Math.random()}.img`);
    writeFileSync(image, '');
    truncateSync(image, sizeBytes);
    execFileSync('mkfs.exfat', [...args.split(' ').filter(Boolean), image], {
      stdio: 'pipe',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    return image;
  }

  function withImage(image: string, action: (fileSystem: ReturnType<typeof openExfat>) => void): void {
    using source = FileSource.open(image);
    action(openExfat(source));
  }
});

describe('the files of an exFAT filesystem', () => {
  const EXPECTED: readonly (readonly [path: string, content: Uint8Array])[] = [
    ['/folder/inner/deep.txt', content(10, 7)],
    ['/fragmented', content(5000, 1)],
    ['/in a row', content(3000, 2)],
    ['/empty', content(0, 3)],
    [`/${'n'.repeat(255)}`, content(1, 4)],
    ['/日本語 — ünïcödé 😀', content(1024, 5)],
    ['/folder/second', content(1025, 6)],
  ];

  test('are those that were put in, wherever their clusters are', () => {
    const tree = createFileTree(sample().open());
    for (const [file, bytes] of EXPECTED) expect(tree.readFile(file)).toEqual(bytes);
    expect([...tree.walk()]).toHaveLength(EXPECTED.length + 3);
    expect(tree.open('/fragmented').read(1000, 3000)).toEqual(content(5000, 1).subarray(1000, 4000));
  });

  test.skipIf(!hasTool('tsk_recover') || !hasTool('fsck.exfat'))('are those that sleuthkit shows', () => {
    const image = path.join(folder, 'sample.img');
    writeFileSync(image, sample().sealed());
    expect(spawnSync('fsck.exfat', ['-n', image], { encoding: 'utf8' }).stdout).toContain('clean');
    const out = path.join(folder, 'out');
    execFileSync('tsk_recover', ['-a', '-f', 'exfat', image, out], {
      stdio: 'pipe',
      env: { ...process.env, TZ: 'UTC' },
    });
    const shown = listFolder(out).filter(({ path }) => !path.startsWith('/$'));
    // it recovers no empty files
    const ours = listTree(createFileTree(sample().open())).filter(({ type, size }) => type !== 'file' || size > 0);
    expect(ours.map(comparable)).toEqual(shown.map(comparable));
  });

  test('end in zeros where they were not written', () => {
    const image = new ExfatImage();
    image.put(10, new Uint8Array(2 * CLUSTER).fill(0x61));
    image.take(10, 11);
    image.fill(ROOT_CLUSTER, entrySet({ name: 'file', cluster: 10, size: 1500, validSize: 100, isRow: true }));
    const file = image.open().root.lookup('file')?.open();
    expect(file?.sizeBytes).toBe(1500);
    expect(Buffer.from(file?.read(90, 20) ?? []).toString()).toBe(`${'a'.repeat(10)}${'\0'.repeat(10)}`);
    expect(file?.read(100, 1400)).toEqual(new Uint8Array(1400));
    expect(file?.read(0, 100)).toEqual(new Uint8Array(100).fill(0x61));
  });

  test('are found whatever the case, by the table of the volume, and with dots at the end', () => {
    const { root } = new ExfatImage()
      .fill(ROOT_CLUSTER, entrySet({ name: 'Grüße.txt' }), entrySet({ name: 'é' }))
      .open();
    for (const name of ['Grüße.txt', 'GRÜßE.TXT', 'grüße.TXT..']) expect(root.lookup(name)?.stat.type).toBe('file');
    // the table of this volume knows no other capitals
    for (const name of ['É', 'GRÜSSE.TXT', '', '.', '..']) expect(root.lookup(name)).toBeUndefined();
  });

  test('that were deleted are not shown, nor what only others know', () => {
    const deleted = entrySet({ name: 'deleted' }).map((byte, index) => (index % 32 === 0 ? byte & 0x7f : byte));
    const vendor = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 0xe0 : 0));
    const guid = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 0xa0 : 0));
    const { root } = new ExfatImage()
      .fill(
        ROOT_CLUSTER,
        deleted,
        guid,
        entrySet({ name: 'file', others: [vendor] }),
        vendor,
        entrySet({ name: 'next' }),
      )
      .open();
    expect([...root.list()].map(({ name }) => name)).toEqual(['file', 'next']);
  });

  test('have modes, links and numbers', () => {
    const image = sample().fill(60, entrySet({ name: 'locked', attributes: 0x21 }));
    const tree = createFileTree(image.open());
    expect(tree.stat('/')).toMatchObject({
      type: 'directory',
      mode: 0o755,
      links: 3,
      inode: 1,
      sizeBytes: CLUSTER * 2,
    });
    expect(tree.stat('/folder')).toMatchObject({ mode: 0o755, links: 3, inode: 30, sizeBytes: CLUSTER });
    expect(tree.stat('/locked')).toMatchObject({ mode: 0o555, links: 1, uid: 0, gid: 0 });
    const numbers = [...tree.walk()].map(({ node }) => node.stat.inode);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(tree.findLink('/locked')?.xattrs()).toEqual(new Map());
    expect(() => tree.findLink('/locked')?.list()).toThrow(expect.objectContaining({ kind: 'not-found' }));
  });
});

describe('the times of an exFAT file', () => {
  const at = (text: string, zone = 0, hundredths = 0): ExfatTime => {
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = text.split(/\D/).map(Number);
    return {
      date: ((year - 1980) << 9) | (month << 5) | day,
      time: (hour << 11) | (minute << 5) | (second / 2),
      zone,
      hundredths,
    };
  };
  const seconds = (text: string) => Date.parse(`${text}Z`) / 1000;
  const statWith = (modified: ExfatTime) =>
    new ExfatImage()
      .fill(ROOT_CLUSTER, entrySet({ name: 'file', times: { modified, created: modified, accessed: modified } }))
      .open()
      .root.lookup('file')?.stat;

  test.each([
    ['UTC', 0x80, '2024-02-29T12:00:00'],
    ['nowhere', 0, '2024-02-29T12:00:00'],
    ['two hours east', 0x88, '2024-02-29T10:00:00'],
    ['five and a half hours west', 0x80 | (0x80 - 22), '2024-02-29T17:30:00'],
  ])('are told from the clock of %s', (_, zone, expected) => {
    const stat = statWith(at('2024-02-29T12:00:00', zone, 150));
    const time = { seconds: seconds(expected) + 1, nanoseconds: 500_000_000 };
    expect(stat).toMatchObject({ modifiedAt: time, changedAt: time, createdAt: time });
    expect(stat?.accessedAt).toEqual({ seconds: seconds(expected), nanoseconds: 0 });
  });

  test.each(['1980-01-01', '2000-02-29', '2000-03-01', '2100-02-28', '2100-03-01', '2107-12-31'])('know %s', (day) => {
    expect(statWith(at(`${day}T23:59:58`))?.modifiedAt.seconds).toBe(seconds(`${day}T23:59:58`));
  });
});

describe('an exFAT volume', () => {
  test.each([
    [0x2, 'not unmounted cleanly'],
    [0x4, 'marked as having errors'],
  ])('with the flag %i warns: %s', (flag, warning) => {
    const image = new ExfatImage();
    image.set8(106, flag);
    expect(image.open().warnings).toEqual([warning]);
  });

  test('without a sound bitmap or upcase table is read, and says so', () => {
    const image = sample();
    image.set8(image.offsetOf(3) + 4, 0x99);
    image.set64(image.offsetOf(ROOT_CLUSTER) + 24, 1);
    const fileSystem = image.open();
    expect(fileSystem.warnings).toEqual([expect.stringContaining('bitmap'), expect.stringContaining('upcase')]);
    expect(fileSystem.freeBytes).toBeUndefined();
    expect(fileSystem.root.lookup('IN A ROW')?.stat.sizeBytes).toBe(3000);
  });

  test('counts what is free', () => {
    expect(new ExfatImage().open().freeBytes).toBe(997 * CLUSTER);
    const image = new ExfatImage();
    image.take(999, 1001);
    expect(image.open().freeBytes).toBe(995 * CLUSTER);
  });

  test('that is cut shows what is left, and says that it is cut', () => {
    const image = sample();
    const fileSystem = openExfat(new MemorySource(image.sealed().subarray(0, image.offsetOf(100))));
    expect(fileSystem.warnings).toEqual([expect.stringContaining('truncated')]);
    expect(fileSystem.root.lookup('fragmented')?.open().read(0, 5000)).toEqual(content(5000, 1));
  });

  test('has folders of 5,000 names, in which many are looked up in good time', () => {
    const image = new ExfatImage();
    const clusters = Array.from({ length: 470 }, (_, index) => 990 - index * 2);
    image.chain(...clusters);
    image.fill(ROOT_CLUSTER, entrySet({ name: 'many', attributes: FOLDER, cluster: 990, size: 470 * CLUSTER }));
    const names = Array.from({ length: 5000 }, (_, index) => `Name ${String(index).padStart(4, '0')}`);
    const bytes = Buffer.concat(names.map((name) => entrySet({ name })));
    for (const [index, cluster] of clusters.entries()) {
      image.put(cluster, bytes.subarray(index * CLUSTER, (index + 1) * CLUSTER));
    }
    const tree = createFileTree(image.open());
    expect(tree.names('/many')).toEqual(names);
    for (const name of names) expect(tree.exists(`/many/${name.toUpperCase()}`)).toBe(true);
  });

  test.each([0, 1, 511, 512, 4096])('is not what %d zeros are', (length) => {
    expect(exfatFormat.detect(new Uint8Array(length))).toBe(false);
  });

  test('is known by its name', () => {
    expect(exfatFormat.detect(readFileSync(import.meta.filename))).toBe(false);
    expect(exfatFormat.detect(new ExfatImage().bytes)).toBe(true);
  });
});

/** Files with and without chains, in folders, with long and foreign names. */
function sample(): ExfatImage {
  const image = new ExfatImage();
  image.chain(ROOT_CLUSTER, 60);
  const fragments = [20, 22, 21, 25, 19];
  image.chain(...fragments);
  for (const [index, cluster] of fragments.entries()) {
    image.put(cluster, content(5000, 1).subarray(index * CLUSTER, (index + 1) * CLUSTER));
  }
  const rows: readonly (readonly [cluster: number, bytes: Uint8Array])[] = [
    [70, content(3000, 2)],
    [75, content(1, 4)],
    [76, content(1024, 5)],
    [78, content(1025, 6)],
    [81, content(10, 7)],
  ];
  for (const [cluster, bytes] of rows) {
    image.put(cluster, bytes);
    image.take(...Array.from({ length: Math.ceil(bytes.length / CLUSTER) }, (_, index) => cluster + index));
  }
  image.chain(30);
  image.take(31);
  image.fill(
    ROOT_CLUSTER,
    entrySet({ name: 'folder', attributes: FOLDER, cluster: 30, size: CLUSTER }),
    entrySet({ name: 'fragmented', cluster: 20, size: 5000 }),
    entrySet({ name: 'in a row', cluster: 70, size: 3000, isRow: true }),
    entrySet({ name: 'empty' }),
    entrySet({ name: '日本語 — ünïcödé 😀', cluster: 76, size: 1024, isRow: true }),
  );
  // a set that goes on in the next cluster, which is elsewhere
  const long = entrySet({ name: 'n'.repeat(255), cluster: 75, size: 1, isRow: true });
  const room = image.offsetOf(ROOT_CLUSTER + 1) - firstFree(image, ROOT_CLUSTER);
  image.fill(ROOT_CLUSTER, long.subarray(0, room));
  image.put(60, long.subarray(room));
  image.fill(
    30,
    entrySet({ name: 'second', cluster: 78, size: 1025, isRow: true }),
    entrySet({ name: 'inner', attributes: FOLDER, cluster: 31, size: CLUSTER, isRow: true }),
  );
  image.fill(31, entrySet({ name: 'deep.txt', cluster: 81, size: 10, isRow: true }));
  return image;
}

function firstFree(image: ExfatImage, cluster: number): number {
  let offset = image.offsetOf(cluster);
  while (image.bytes[offset] !== 0) offset += 32;
  return offset;
}

function content(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 0xff);
}

function comparable({ path, type, size, sha256 }: ListedFile) {
  return { path, type, ...(type === 'file' && { size, sha256 }) };
}
