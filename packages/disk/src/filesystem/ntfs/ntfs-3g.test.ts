import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListedFile } from '../../../../../test/support/listed-file.ts';
import { differences } from '../../../../../test/support/tree-differences.ts';
import { listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { FileSource } from '../../source/file-source.ts';
import type { FileSystem } from '../file-system.ts';
import { createFileTree } from '../tree.ts';
import { openNtfs } from './open.ts';
import {
  fillCompressed,
  fillFileTable,
  fillFragmented,
  fillManyNames,
  fillSample,
  manyName,
} from './testing/content.ts';
import { makeNtfs, type NtfsOptions, ntfs3gAbsent, ntfsinfo, withNtfs3g } from './testing/ntfs-3g.ts';

const MIB = 2 ** 20;

/** Arguments of mkntfs, and how large the volume is. */
const GEOMETRIES: readonly (readonly [args: string, sizeBytes: number])[] = [
  ['-c 512', 16 * MIB],
  ['-c 1024', 16 * MIB],
  ['-c 2048', 16 * MIB],
  ['-c 4096 -L Größe', 16 * MIB],
  ['-c 8192', 32 * MIB],
  ['-c 16384', 64 * MIB],
  ['-c 65536', 128 * MIB],
  ['-c 262144', 512 * MIB],
  ['-c 2097152', 2048 * MIB],
  ['-s 1024', 16 * MIB],
  ['-s 2048 -c 2048', 16 * MIB],
  ['-s 4096', 32 * MIB],
  ['-s 4096 -c 65536', 128 * MIB],
];
/** Larger clusters are not compressed. */
const COMPRESSED = ['-c 512', '-c 1024', '-c 2048', '-c 4096', '-s 1024', '-s 2048 -c 2048', '-s 4096'];
const FRAGMENTED: readonly (readonly [args: string, clusterBytes: number, sizeBytes: number])[] = [
  ['-c 512', 512, 3 * MIB],
  ['-c 1024', 1024, 4 * MIB],
  ['-c 2048', 2048, 5 * MIB],
];
const MANY: readonly (readonly [args: string, count: number, sizeBytes: number])[] = [
  ['-c 512', 800, 32 * MIB],
  ['-c 4096', 1500, 32 * MIB],
  ['-c 65536', 800, 64 * MIB],
  ['-s 4096', 300, 32 * MIB],
  ['-c 2048', 40, 32 * MIB],
  ['-c 2097152', 400, 1024 * MIB],
];

describe.skipIf(ntfs3gAbsent !== undefined)('the files of an NTFS volume are those that ntfs-3g shows', () => {
  let folder: string;
  let images = 0;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ntfs-test-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(GEOMETRIES)('one of everything: mkntfs %s', async (args, sizeBytes) => {
    await expectSameFiles(await make({ args, sizeBytes, fill: fillSample }));
  });

  test.each(COMPRESSED)('compressed files: mkntfs %s', async (args) => {
    const image = await make({ args, sizeBytes: 32 * MIB, fill: fillCompressed });
    expect(ntfsinfo(image, '-F', '/compressed/text')).toContain('COMPRESSED');
    await expectSameFiles(image);
  });

  test.each(FRAGMENTED)('a file in many pieces: mkntfs %s', async (args, clusterBytes, sizeBytes) => {
    const image = await make({ args, sizeBytes, fill: (mounted) => fillFragmented(mounted, clusterBytes) });
    expect(ntfsinfo(image, '-F', '/pieces')).toContain('$ATTRIBUTE_LIST');
    await expectSameFiles(image);
  });

  test('a file table in many pieces', async () => {
    const image = await make({ args: '-c 512', sizeBytes: 8 * MIB, fill: fillFileTable });
    expect(ntfsinfo(image, '-i', '0')).toContain('$ATTRIBUTE_LIST');
    await expectSameFiles(image);
  });

  test.each(MANY)('a folder of many names: mkntfs %s, %d', async (args, count, sizeBytes) => {
    const image = await make({ args, sizeBytes, fill: (mounted) => fillManyNames(mounted, count) });
    await expectSameFiles(image);
    withImage(image, ({ root }) => {
      const many = root.lookup('many');
      const names = Array.from({ length: count }, (_, index) => manyName(index));
      expect(names.filter((name) => many?.lookup(name) === undefined)).toEqual([]);
      // as Windows looks names up
      expect(names.filter((name) => many?.lookup(name.toUpperCase()) === undefined)).toEqual([]);
      expect(many?.lookup(manyName(count))).toBeUndefined();
    });
  });

  function make(options: NtfsOptions): Promise<string> {
    images += 1;
    return makeNtfs(path.join(folder, `${images}.img`), options);
  }

  async function expectSameFiles(image: string): Promise<void> {
    const shown = await withNtfs3g(image, 'ro', (mounted) => listFolder(mounted));
    withImage(image, (fileSystem) => {
      expect(fileSystem.warnings).toEqual([]);
      expect(differences(withStreams(fileSystem), shown, { leaveOut: ['created'] })).toEqual([]);
      const probe = execFileSync('blkid', ['-p', '-o', 'value', '-s', 'UUID', image], { encoding: 'utf8' });
      expect(fileSystem.uuid).toBe(probe.trim());
      const free = Number(/Free Clusters: (\d+)/.exec(ntfsinfo(image, '-m'))?.[1]);
      const cluster = Number(/Cluster Size: (\d+)/.exec(ntfsinfo(image, '-m'))?.[1]);
      expect(fileSystem.freeBytes).toBe(free * cluster);
    });
  }
});

function withImage(image: string, action: (fileSystem: FileSystem) => void): void {
  using source = FileSource.open(image);
  action(openNtfs(source));
}

/** With streams in place of attributes, as ntfs-3g was told to show them. */
function withStreams(fileSystem: FileSystem): ListedFile[] {
  const tree = createFileTree(fileSystem);
  const streams = new Map([...tree.walk()].map(({ path, node }) => [path, node.streams?.() ?? new Map()]));
  return listTree(tree).map((file) => {
    const named = [...(streams.get(file.path) ?? [])].map(([name, content]): [string, string] => {
      return [`user.${name}`, Buffer.from(content.read(0, content.sizeBytes)).toString('hex')];
    });
    return { ...file, xattrs: Object.fromEntries(named.sort(([one], [other]) => (one < other ? -1 : 1))) };
  });
}
