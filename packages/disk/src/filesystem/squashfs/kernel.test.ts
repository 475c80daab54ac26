import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../test/support/loop-mount.ts';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { extentsOf } from '../../source/extent.ts';
import { makeSampleFolder, writeSparse } from '../testing/sample-folder.ts';
import { createFileTree } from '../tree.ts';
import { hasSquashfsTools, makeSquashfs, openImage } from './testing/image.ts';

const COMPRESSIONS = ['gzip', 'lzo', 'xz', 'lz4', 'zstd'];
const VARIANTS: readonly string[] = [
  ...COMPRESSIONS.map((name) => `-comp ${name}`),
  '-comp lz4 -Xhc -b 1M',
  '-comp xz -Xbcj x86 -b 4096',
  '-b 4096 -no-fragments',
  '-b 8192 -always-use-fragments',
  '-no-duplicates -no-exports',
  '-noI -noD -noF -noX',
  '-noId -noI',
  '-no-xattrs',
  '-no-tailends -no-sparse',
  '-all-root -all-time 1',
];

describe.skipIf(!hasSquashfsTools)('the files of a squashfs filesystem are those that the kernel shows', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-squashfs-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
    fill(sample);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(VARIANTS)('mksquashfs %s', (args) => {
    const image = makeSquashfs(path.join(folder, 'image'), sample, args);
    const { type, warnings } = openImage(image);
    expect({ type, warnings }).toEqual({ type: 'squashfs', warnings: [] });
    const shown = withMounted(image, 'ro', (mounted) => listFolder(mounted));
    // where nothing can be mounted, the folder that it was made from is as good but for what was left out of it
    if (shown !== undefined) expect(listTree(createFileTree(openImage(image)))).toEqual(shown);
    else expect(contentsOf(image)).toEqual(listFolder(sample).map(withContent));
  });

  test('in lzma, which the kernel does not read, are those of the folder', () => {
    const image = makeSquashfs(path.join(folder, 'lzma'), sample, '-comp lzma');
    expect(contentsOf(image)).toEqual(listFolder(sample).map(withContent));
  });

  test('with holes say where they are', () => {
    const image = makeSquashfs(path.join(folder, 'holes'), sample, '-b 65536');
    const content = openImage(image).root.lookup('sparse')?.open();
    const kinds = content && [...extentsOf(content, 0, content.sizeBytes)].map(({ kind }) => kind);
    expect(kinds).toEqual(['data', 'absent', 'data', 'absent']);
  });

  test('are found by their names among thousands', () => {
    const names = Array.from({ length: 3000 }, (_, index) => `name-${index}`);
    const from = path.join(folder, 'many');
    mkdirSync(from);
    for (const name of names) writeFileSync(path.join(from, name), '');
    const { root } = openImage(makeSquashfs(path.join(folder, 'many.img'), from, ''));
    expect([...root.list()].map(({ name }) => name).sort()).toEqual(names.toSorted());
    expect(names.filter((name) => root.lookup(name)?.stat.type !== 'file')).toEqual([]);
    expect(root.lookup('name-3000')).toBeUndefined();
  });

  function contentsOf(image: string) {
    return listTree(createFileTree(openImage(image))).map(withContent);
  }
});

function withContent({ path, type, mode, sha256, target }: ListedFile) {
  return { path, type, mode, sha256, target };
}

function fill(root: string): void {
  const at = (name: string) => path.join(root, name);
  writeSparse(at('sparse'), 3_000_000, [0, 1_500_000]);
  writeFileSync(at('long'), Buffer.alloc(2_000_000, 'a line that packs well\n'));
  writeFileSync(at('code'), process.execPath.repeat(30_000));
  linkSync(at('long'), at('the-same'));
  symlinkSync('t'.repeat(2000), at('far-link'));
  execFileSync('mknod', [at('disk'), 'b', '259', '200000']);
  for (const name of ['long', 'sparse']) {
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'shared value '.repeat(20), at(name)]);
  }
  execFileSync('setfattr', ['-n', 'security.odd', '-v', '0x00ff', root]);
}
