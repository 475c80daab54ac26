import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../test/support/loop-mount.ts';
import { listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { makeSampleFolder } from '../testing/sample-folder.ts';
import { createFileTree } from '../tree.ts';
import { fillWithAttributes, fillWithExtents, fillWithFolders, fillWithSpecials } from './testing/content.ts';
import { hasXfsprogs, MEBIBYTE, makeXfs, openImage } from './testing/image.ts';

const FEATURE_SETS: readonly string[] = [
  '-b size=1024',
  '-b size=2048',
  '-b size=4096',
  '-b size=65536',
  '-b size=1024 -n size=8192',
  '-n size=65536',
  '-i size=1024',
  '-i size=2048 -b size=4096',
  '-i sparse=0',
  '-i nrext64=1',
  '-m bigtime=0',
  '-m finobt=0,reflink=0,inobtcount=0',
  '-m rmapbt=1 -d agcount=4',
  '-s size=4096 -l su=32k',
];

describe.skipIf(!hasXfsprogs)('the files of an XFS filesystem are those that the kernel shows', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const CONTENTS: readonly (readonly [content: string, fill: (target: string) => void])[] = [
    ['one of everything', fillWithEverything],
    ['folders and extents', fillWithFoldersAndExtents],
    ['attributes', fillWithAttributes],
  ];

  function fillWithEverything(target: string): void {
    execFileSync('cp', ['-a', `${sample}/.`, target]);
    fillWithSpecials(target);
  }

  function fillWithFoldersAndExtents(target: string): void {
    for (const name of ['folders', 'extents']) mkdirSync(path.join(target, name));
    fillWithFolders(path.join(target, 'folders'));
    fillWithExtents(path.join(target, 'extents'));
  }

  test.for(FEATURE_SETS.flatMap((args) => CONTENTS.map(([content, fill]) => [args, content, fill] as const)))(
    'mkfs.xfs %s with %s',
    ([args, , fill], context) => {
      const sizeBytes = (args.includes('65536') ? 512 : 64) * MEBIBYTE;
      const image = makeXfs(path.join(folder, `${Math.random()}`), { args, sizeBytes, fill });
      if (image === undefined) return context.skip('no images can be mounted here');
      const fileSystem = openImage(image);
      expect(fileSystem.warnings).toEqual([]);
      expect(listTree(createFileTree(fileSystem))).toEqual(withMounted(image, 'ro', (shown) => listFolder(shown)));
      rmSync(image);
    },
  );
});
