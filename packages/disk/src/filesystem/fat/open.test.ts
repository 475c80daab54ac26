import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedSource } from '../../source/cached-source.ts';
import { FileSource } from '../../source/file-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { createFileTree } from '../tree.ts';
import { fatFormat } from './format.ts';
import { openFat } from './open.ts';
import { entry, FatImage, FOLDER } from './testing/fat-image.ts';
import { hasFatTools, makeFat, mtools, withFat } from './testing/image.ts';

const MIB = 2 ** 20;
const SECTOR = 512;

describe.skipIf(!hasFatTools)('openFat', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fat-open-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const make = (args: string, sizeBytes: number) =>
    makeFat(path.join(folder, `${Math.random()}.img`), { args, sizeBytes });

  test.each([
    ['-F 12', MIB],
    ['-F 16', 16 * MIB],
    ['-F 32', 40 * MIB],
    ['-F 32 -s 8', 16 * MIB],
  ])('says what blkid says of mkfs.vfat %s', (args, sizeBytes) => {
    const image = make(`${args} -n LABEL-11_CH -i 12ab34cd`, sizeBytes);
    const probe = execFileSync('blkid', ['-p', '-o', 'export', image], { encoding: 'utf8' });
    withFat(image, ({ type, label, uuid, warnings, root }) => {
      expect(probe).toContain(`TYPE=${type}\n`);
      expect(probe).toContain(`LABEL=${label}\n`);
      expect(probe).toContain(`UUID=${uuid}\n`);
      expect(warnings).toEqual([]);
      expect([...root.list()]).toEqual([]);
    });
    expect(fatFormat.detect(readFileSync(image).subarray(0, 4096))).toBe(true);
  });

  test.each(['-F 12 -s 1', '-F 16 -s 1', '-F 32 -s 1'])(
    'counts what is free, as fsck.fat does: mkfs.vfat %s',
    (args) => {
      const image = make(args, args.includes('32') ? 40 * MIB : 4 * MIB - (args.includes('12') ? 3 * MIB : 0));
      writeFileSync(path.join(folder, 'file'), new Uint8Array(100_000));
      mtools(image, 'mcopy', path.join(folder, 'file'), '::/');
      const report = spawnSync('fsck.fat', ['-n', image], { encoding: 'utf8' }).stdout;
      const [, used, all] = /, (\d+)\/(\d+) clusters/.exec(report) ?? [];
      withFat(image, ({ freeBytes }) => expect(freeBytes).toBe((Number(all) - Number(used)) * SECTOR));
    },
  );

  test('asks for the bytes it needs, however large the disk', () => {
    using file = FileSource.open(make('-F 32', 32 * 2 ** 30));
    const source = new CachedSource(file, { blockBytes: 512 });
    const fileSystem = openFat(source);
    expect(createFileTree(fileSystem).names('/')).toEqual([]);
    expect(fileSystem.freeBytes).toBeGreaterThan(31 * 2 ** 30);
    expect(source.stats.bytes).toBeLessThan(100_000);
  });

  test.each(['mkntfs -q -F -f', 'mkfs.exfat', 'mke2fs -q -F', 'mkswap'])(
    'does not take for FAT what %s makes',
    (command) => {
      const [tool = '', ...args] = command.split(' ');
      if (spawnSync('which', [tool]).status !== 0) return;
      const image = path.join(folder, `${tool}.img`);
      writeFileSync(image, new Uint8Array(8 * MIB));
      execFileSync(tool, [...args, image], { stdio: 'pipe' });
      expect(fatFormat.detect(readFileSync(image).subarray(0, 65536))).toBe(false);
    },
  );
});

describe('a FAT volume', () => {
  const text = (image: FatImage) => Buffer.from(image.open().root.lookup('file')?.open().read(0, 600) ?? []).toString();
  const withFile = (bits: 12 | 16 | 32, clusters: readonly [number, number]) => {
    const image = new FatImage(bits).fill('root', entry({ name: 'FILE       ', cluster: clusters[0], size: 600 }));
    image.chain(...clusters);
    image.bytes.fill(0x61, image.offsetOf(clusters[0]), image.offsetOf(clusters[0]) + SECTOR);
    image.bytes.fill(0x62, image.offsetOf(clusters[1]), image.offsetOf(clusters[1]) + SECTOR);
    return image;
  };
  const EXPECTED = 'a'.repeat(512) + 'b'.repeat(88);

  test.each([12, 16, 32] as const)('with entries of %d bits leads from cluster to cluster', (bits) => {
    for (const clusters of [
      [5, 6],
      [6, 9],
      [9, 6],
      [100, 11],
      [199, 50],
      [10, 201],
    ] as const) {
      expect(text(withFile(bits, clusters))).toBe(EXPECTED);
    }
  });

  test('is read by the table in use, where not all are written alike', () => {
    const image = withFile(32, [5, 7]);
    image.chain(5, 9);
    image.link(5, 7, 1);
    image.link(7, 0x0fffffff, 1);
    image.link(2, 0x0fffffff, 1);
    expect(text(image)).not.toBe(EXPECTED);
    image.set16(40, 0x81);
    expect(text(image)).toBe(EXPECTED);
  });

  test('does not regard the reserved bits of FAT32, nor what FAT16 kept in their place', () => {
    const image = withFile(32, [5, 7]);
    image.link(5, 0xa0000007);
    expect(text(image)).toBe(EXPECTED);
    const old = withFile(16, [5, 7]);
    old.set16(old.rootOffset + 20, 0x1234);
    expect(text(old)).toBe(EXPECTED);
  });

  test('may have more clusters for a file than the file needs', () => {
    const image = withFile(12, [5, 7]);
    image.chain(5, 7, 8, 20);
    expect(text(image)).toBe(EXPECTED);
    image.bytes[image.rootOffset + 28] = 0;
    image.bytes[image.rootOffset + 29] = 0;
    expect(image.open().root.lookup('file')?.open().read(0, 0)).toHaveLength(0);
  });

  test('knows the sizes and links of folders from their clusters and entries', () => {
    const image = new FatImage(32);
    image.chain(2, 8);
    image.chain(5, 6, 7);
    const dots = [
      entry({ name: '.          ', attributes: FOLDER, cluster: 5 }),
      entry({ name: '..         ', attributes: FOLDER }),
    ];
    image.fill('root', entry({ name: 'SUB        ', attributes: FOLDER, cluster: 5 }), entry({ name: 'FILE       ' }));
    image.fill(5, ...dots, entry({ name: 'INNER      ', attributes: FOLDER, cluster: 9 }));
    const { root } = image.open();
    expect(root.stat).toMatchObject({ type: 'directory', sizeBytes: 1024, links: 3, inode: 1, mode: 0o755 });
    expect(root.lookup('sub')?.stat).toMatchObject({ type: 'directory', sizeBytes: 1536, links: 3, inode: 5 });
    expect(root.stat.modifiedAt).toEqual({ seconds: 0, nanoseconds: 0 });
  });

  test.each<[bits: 12 | 16 | 32, offset: number, value: number, warning: string]>([
    [12, 37, 1, 'not unmounted cleanly'],
    [16, 37, 3, 'marked as having errors'],
    [32, 65, 1, 'not unmounted cleanly'],
    [32, 65, 2, 'marked as having errors'],
  ])('of %d bits with %d: %d warns: %s', (bits, offset, value, warning) => {
    const image = new FatImage(bits);
    image.set8(offset, value);
    expect(image.open().warnings).toContain(warning);
  });

  test.each<[bits: 16 | 32, value: number, warning: string]>([
    [16, 0x7fff, 'not unmounted cleanly'],
    [16, 0xbfff, 'marked as having errors'],
    [32, 0x07ffffff, 'not unmounted cleanly'],
    [32, 0x0bffffff, 'marked as having errors'],
  ])('of %d bits with 0x%i in its table warns: %s', (bits, value, warning) => {
    const image = new FatImage(bits);
    expect(image.open().warnings).toEqual([]);
    image.link(1, value);
    expect(image.open().warnings).toEqual([warning]);
  });

  test('that is cut shows what is left, and says that it is cut', () => {
    const image = withFile(12, [5, 6]);
    const fileSystem = openFat(new MemorySource(image.bytes.subarray(0, image.offsetOf(6))));
    expect(fileSystem.warnings).toEqual([expect.stringContaining('truncated')]);
    expect(fileSystem.root.lookup('file')?.open().read(0, 512)).toHaveLength(512);
    expect(() => fileSystem.root.lookup('file')?.open().read(0, 513)).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });

  test.each<[what: string, recorded: number, signature: number, state: number, free: number]>([
    ['is believed', 77, 0x61417272, 0, 77],
    ['is not believed of a volume that was not unmounted', 77, 0x61417272, 1, 199],
    ['is not believed without its signature', 77, 0, 0, 199],
    ['is not believed when it is more than there are', 201, 0x61417272, 0, 199],
    ['may be unknown', 0xffffffff, 0x61417272, 0, 199],
  ])('has a recorded number of free clusters that %s', (_, recorded, signature, state, free) => {
    const image = new FatImage(32);
    image.set32(SECTOR, 0x41615252);
    image.set32(SECTOR + 484, signature);
    image.set32(SECTOR + 488, recorded);
    image.set8(65, state);
    expect(image.open().freeBytes).toBe(free * SECTOR);
  });

  test('has folders of 5,000 names, in which many are looked up in good time', () => {
    const image = new FatImage(16);
    const clusters = Array.from({ length: 320 }, (_, index) => 3500 - index * 7);
    image.chain(...clusters);
    image.fill('root', entry({ name: 'MANY       ', attributes: FOLDER, cluster: 3500 }));
    const names = Array.from({ length: 5000 }, (_, index) => `FILE${String(index).padStart(7, '0')}`);
    for (const [index, name] of names.entries()) {
      image.bytes.set(entry({ name }), image.offsetOf(clusters[index >> 4] as number) + (index % 16) * 32);
    }
    const tree = createFileTree(image.open());
    expect(tree.names('/many')).toEqual(names.map((name) => `${name.slice(0, 8)}.${name.slice(8)}`));
    for (const name of tree.names('/many')) expect(tree.exists(`/many/${name.toLowerCase()}`)).toBe(true);
  });
});
