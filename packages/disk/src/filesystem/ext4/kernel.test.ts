import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../test/support/loop-mount.ts';
import { differences } from '../../../../../test/support/tree-differences.ts';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { makeSampleFolder, SAMPLE_COMMANDS, WIDE_TIME_COMMANDS, writeSparse } from '../testing/sample-folder.ts';
import { createFileTree } from '../tree.ts';
import { debugfs, type ExtOptions, hasE2fsprogs, makeExt, openImage } from './testing/image.ts';

const FEATURE_SETS: readonly (readonly [type: string, args: string])[] = [
  ['ext2', '-t ext2 -b 1024 -I 128'],
  ['ext2', '-t ext2 -b 4096'],
  ['ext2', '-t ext2 -r 0 -b 1024'],
  ['ext2', '-t ext2 -O ^filetype,^sparse_super,^resize_inode'],
  ['ext3', '-t ext3 -b 1024'],
  ['ext3', '-t ext3 -b 2048 -I 128'],
  ['ext4', '-t ext4 -b 1024'],
  ['ext4', '-t ext4 -b 2048 -I 512'],
  ['ext4', '-t ext4 -b 4096'],
  ['ext4', '-t ext4 -b 65536'],
  ['ext4', '-t ext4 -b 1024 -I 128'],
  ['ext4', '-t ext4 -O ^64bit'],
  ['ext4', '-t ext4 -O ^metadata_csum'],
  ['ext4', '-t ext4 -O ^metadata_csum,uninit_bg'],
  ['ext4', '-t ext4 -O ^metadata_csum,uninit_bg,^64bit'],
  ['ext4', '-t ext4 -O metadata_csum_seed'],
  ['ext4', '-t ext4 -O ^extent,^64bit'],
  ['ext4', '-t ext4 -b 1024 -g 512 -O meta_bg,^resize_inode'],
  ['ext4', '-t ext4 -b 1024 -g 512 -O ^flex_bg'],
  ['ext4', '-t ext4 -O sparse_super2'],
  ['ext4', '-t ext4 -O bigalloc -C 16384'],
  ['ext4', '-t ext4 -b 1024 -O bigalloc,meta_bg,^resize_inode'],
  ['ext4', '-t ext4 -b 1024 -O inline_data'],
  ['ext4', '-t ext4 -b 4096 -O inline_data -I 512'],
  ['ext4', '-t ext4 -O large_dir,ea_inode,quota,project'],
  ['ext4', '-t ext4 -O casefold'],
  ['ext4', '-t ext4 -O encrypt,verity,orphan_file'],
  ['ext2', '-t ext2 -b 2048 -I 256'],
  ['ext2', '-t ext2 -b 1024 -O ^dir_index,^large_file'],
  ['ext2', '-t ext2 -b 1024 -g 1024 -O meta_bg,^resize_inode'],
  ['ext2', '-t ext2 -b 1024 -O ext_attr,^resize_inode -N 2000'],
  ['ext3', '-t ext3 -b 4096'],
  ['ext3', '-t ext3 -b 1024 -O ^dir_index'],
  ['ext3', '-t ext3 -b 1024 -g 2048 -O meta_bg,^resize_inode'],
  ['ext4', '-t ext3 -b 1024 -O extent'],
  ['ext4', '-t ext3 -b 1024 -O flex_bg,uninit_bg'],
  ['ext4', '-t ext4 -b 1024 -O ^has_journal'],
  ['ext4', '-t ext4 -b 1024 -I 1024'],
  ['ext4', '-t ext4 -b 2048 -I 2048 -O inline_data'],
  ['ext4', '-t ext4 -b 4096 -I 4096 -N 700 -O inline_data'],
  ['ext4', '-t ext4 -b 1024 -O ^metadata_csum,^64bit,inline_data'],
  ['ext4', '-t ext4 -b 1024 -O ^dir_index,^huge_file'],
  ['ext4', '-t ext4 -b 1024 -O ^filetype'],
  ['ext4', '-t ext4 -b 1024 -G 4 -g 1024'],
  ['ext4', '-t ext4 -b 1024 -g 512 -O meta_bg,^resize_inode,^flex_bg,^64bit'],
  ['ext4', '-t ext4 -b 1024 -O sparse_super2,^resize_inode -g 1024'],
  ['ext4', '-t ext4 -b 2048 -O bigalloc -C 8192'],
  ['ext4', '-t ext4 -b 1024 -O bigalloc,inline_data,ea_inode'],
  ['ext4', '-t ext4 -b 1024 -O bigalloc,^metadata_csum,^flex_bg'],
  ['ext4', '-t ext4 -b 1024 -O metadata_csum_seed,^flex_bg,mmp'],
  ['ext4', '-t ext4 -b 2048 -O casefold,encrypt,verity -E encoding=utf8-12.1'],
  ['ext4', '-t ext4 -b 1024 -O large_dir,ea_inode,inline_data,metadata_csum_seed'],
  ['ext4', '-t ext4 -b 1024 -J size=1,fast_commit_size=256 -O fast_commit'],
  ['ext4', '-t ext4 -b 1024 -E root_owner=1000:1000'],
];

describe.skipIf(!hasE2fsprogs)('the files of an ext filesystem are those that other readers show', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ext-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const make = (options: ExtOptions) => makeExt(path.join(folder, `${Math.random()}.img`), options);

  test.each(FEATURE_SETS)('%s: mke2fs %s', (type, args) => {
    const isNarrow = /-I 128|-r 0/.test(args);
    const commands = isNarrow ? SAMPLE_COMMANDS : [...SAMPLE_COMMANDS, ...WIDE_TIME_COMMANDS];
    // every one of the files takes a block, and these are large
    const sizeBytes = (args.includes('65536') ? 96 : 16) * 1024 * 1024;
    const image = make({ args, from: sample, commands, sizeBytes });
    expect(openImage(image).type).toBe(type);
    expectSameFiles(image);
  });

  test('files behind triple indirect blocks', () => {
    const from = path.join(folder, 'far');
    mkdirSync(from);
    // behind 12 direct blocks there are 256 indirect and 65,536 double indirect ones
    writeSparse(path.join(from, 'far'), 70_000_000, [0, 100_000, 400_000, 69_000_000]);
    expectSameFiles(make({ args: '-t ext2 -b 1024', from }));
  });

  test.each(['-t ext4 -b 1024', '-t ext2 -b 1024'])('fragmented files, mke2fs %s', (args) => {
    const image = make({ args, sizeBytes: 8 * 1024 * 1024, commands: fragmenting(folder) });
    if (args.includes('ext4')) expect(debugfs(image, 'dump_extents big')).toContain(' 2/ 2');
    expectSameFiles(image);
  });

  test('ranges that were allocated and never written', () => {
    const commands = ['write /dev/null reserved', 'fallocate reserved 3 600', 'sif reserved size 500000'];
    const image = make({ args: '-t ext4 -b 1024', commands });
    expect(debugfs(image, 'dump_extents reserved')).toContain('Uninit');
    expectSameFiles(image);
  });

  test('a folder with a hash tree of 12,000 names', (context) => {
    const image = make({ args: '-t ext4 -b 1024 -O large_dir -N 13000', sizeBytes: 24 * 1024 * 1024 });
    const names = Array.from({ length: 12_000 }, (_, index) => `name-${index}`);
    const wrote = withMounted(image, 'rw', (target) => {
      for (const name of names) writeFileSync(path.join(target, name), '');
      return true;
    });
    if (wrote === undefined) return context.skip('no images can be mounted here');
    expect(debugfs(image, 'htree_dump /')).toMatch(/Indirect levels: 1/);
    expectSameFiles(image);
    const { root } = openImage(image);
    expect(names.filter((name) => root.lookup(name) === undefined)).toEqual([]);
    expect(root.lookup('name-12000')).toBeUndefined();
  });

  test('a folder that does not tell upper and lower case apart', (context) => {
    const image = make({ args: '-t ext4 -b 1024 -O casefold -E encoding=utf8-12.1' });
    const names = ['Straße.TXT', 'ΣΊΣΥΦΟΣ', 'café', 'plain'];
    const wanted = ['STRASSE.txt', 'σίσυφος', 'CAFE\u0301', 'PLAIN', 'pla\u00adin', 'plainer', 'cafe'];
    const found = withMounted(image, 'rw', (target) => {
      const folder = path.join(target, 'folded');
      mkdirSync(folder);
      if (spawnSync('chattr', ['+F', folder]).status !== 0) return undefined;
      for (const name of names) writeFileSync(path.join(folder, name), name);
      return wanted.filter((name) => existsSync(path.join(folder, name)));
    });
    if (found === undefined) return context.skip('this kernel does not fold case');
    const folder = openImage(image).root.lookup('folded');
    expect(wanted.filter((name) => folder?.lookup(name) !== undefined)).toEqual(found);
    expect(openImage(image).root.lookup('FOLDED')).toBeUndefined();
  });

  function expectSameFiles(image: string): void {
    const files = listTree(createFileTree(openImage(image)));
    const shown = withMounted(image, 'ro', (mounted) => listFolder(mounted));
    if (shown !== undefined) expect(differences(files, shown, { leaveOut: [] })).toEqual([]);
    else expect(files.filter(isDumped).map(asDumped)).toEqual(dump(image).filter(isDumped).map(asDumped));
  }

  function dump(image: string): ListedFile[] {
    console.log('compared with debugfs instead of the kernel, which does not mount this image here');
    const target = mkdtempSync(path.join(folder, 'dump-'));
    debugfs(image, `rdump / ${target}`);
    return listFolder(target);
  }
});

/** Neither the root nor devices are dumped, and owners only by root; to set them takes setuid bits away. */
function isDumped({ path, type }: ListedFile): boolean {
  return path !== '/' && ['file', 'directory', 'symlink'].includes(type);
}

function asDumped({ path, type, mode, size, sha256, target }: ListedFile) {
  return { path, type, mode: mode.slice(-3), sha256, target, size: type === 'file' ? size : undefined };
}

/** Fills the filesystem with small files, removes every second one, and writes a large one into the gaps. */
function fragmenting(folder: string): string[] {
  const small = path.join(folder, 'small');
  const big = path.join(folder, 'big');
  writeFileSync(small, 'x'.repeat(1000));
  writeFileSync(
    big,
    Uint8Array.from({ length: 900 * 1024 }, (_, index) => index % 251),
  );
  const names = Array.from({ length: 1800 }, (_, index) => `small-${index}`);
  return [
    ...names.map((name) => `write ${small} ${name}`),
    ...names.filter((_, index) => index % 2 === 0).map((name) => `rm ${name}`),
    `write ${big} big`,
  ];
}
