import { execFileSync } from 'node:child_process';
import { linkSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../test/support/loop-mount.ts';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { makeSampleFolder, writeSparse } from '../testing/sample-folder.ts';
import { createFileTree } from '../tree.ts';
import { hasErofsTools, makeErofs, openImage } from './testing/image.ts';

const VARIANTS: readonly string[] = [
  '',
  '-E force-inode-compact -T 1000000000',
  '-E force-inode-extended',
  '-E noinline_data',
  '--chunksize=4096',
  '--chunksize=65536 -E force-chunk-indexes',
  '-x 1',
  '-zlz4',
  '-zlz4 -C65536',
  '-zlz4 -E legacy-compress',
  '-zlz4hc -E ztailpacking',
  '-zlz4 -C16384 -E ztailpacking',
  '-zlz4 --max-extent-bytes=65536',
  '-zlz4 -E force-inode-compact --all-root',
];

describe.skipIf(!hasErofsTools)('the files of an EROFS filesystem are those that the kernel shows', () => {
  let folder: string;
  let sample: string;
  let contents: readonly ReturnType<typeof withContent>[];

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-erofs-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
    // mkfs.erofs fails on names of 255 bytes
    renameSync(path.join(sample, 'n'.repeat(255)), path.join(sample, 'n'.repeat(250)));
    fill(sample);
    contents = listFolder(sample).map(withContent);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(VARIANTS)('mkfs.erofs %s', (args) => {
    const image = makeErofs(path.join(folder, 'image'), sample, args);
    const { type, warnings } = openImage(image);
    expect({ type, warnings }).toEqual({ type: 'erofs', warnings: [] });
    const shown = withMounted(image, 'ro', (mounted) => listFolder(mounted));
    const ours = listTree(createFileTree(openImage(image)));
    // where nothing can be mounted, the folder that it was made from is as good but for what was left out of it
    if (shown !== undefined) expect(ours).toEqual(shown);
    expect(ours.map(withContent)).toEqual(contents);
  });

  test('are on a volume of the identity that it was given', () => {
    const uuid = '0badcafe-0000-4000-8000-000000000001';
    expect(openImage(makeErofs(path.join(folder, 'image'), sample, `-U ${uuid}`))).toMatchObject({ uuid });
  });
});

function withContent({ path, type, size, sha256, target }: ListedFile) {
  return { path, type, ...(type === 'file' && { size, sha256 }), target };
}

function fill(root: string): void {
  const at = (name: string) => path.join(root, name);
  writeSparse(at('sparse'), 3_000_000, [0, 1_500_000]);
  writeFileSync(at('long'), Buffer.alloc(2_000_000, 'a line that packs well\n'));
  writeFileSync(at('code'), process.execPath.repeat(30_000));
  writeFileSync(at('numbers'), Array.from({ length: 120_000 }, (_, index) => `${index * 7919}\n`).join(''));
  linkSync(at('long'), at('the-same'));
  symlinkSync('t'.repeat(2000), at('far-link'));
  execFileSync('mknod', [at('disk'), 'b', '259', '200000']);
  for (const name of ['long', 'sparse', 'numbers', 'many']) {
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'shared value '.repeat(20), at(name)]);
  }
  execFileSync('setfattr', ['-n', 'user.own', '-v', 'only here', at('numbers')]);
  execFileSync('setfattr', ['-n', 'security.odd', '-v', '0x00ff', root]);
}
