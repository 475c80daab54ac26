import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMountedDevices } from '../../../../../test/support/loop-mount.ts';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { makeSampleFolder } from '../testing/sample-folder.ts';
import { createFileTree } from '../tree.ts';
import { EMPTY_SUBVOLUME_FOLDER } from './layout.ts';
import { addBtrfsContent } from './testing/content.ts';
import { type BtrfsOptions, hasBtrfsProgs, makeBtrfs, openImages } from './testing/image.ts';

interface Kind extends BtrfsOptions {
  readonly mount?: string;
}

const ONE_DEVICE: readonly Kind[] = [
  { args: '' },
  { args: '-n 4096' },
  { args: '-n 8192' },
  { args: '-n 32768' },
  { args: '-n 65536' },
  { args: '-M' },
  { args: '-M -n 4096 --csum xxhash' },
  { args: '--csum xxhash' },
  { args: '--csum sha256' },
  { args: '--csum blake2' },
  { args: '-m single' },
  { args: '-m dup -d dup', sizeBytes: 256 * 1024 * 1024 },
  { args: '-O ^no-holes' },
  { args: '-O ^no-holes -n 4096', mount: 'compress-force=lzo' },
  { args: '-O ^extref' },
  { args: '-O ^skinny-metadata' },
  { args: '-R ^free-space-tree' },
  { args: '-O ^no-holes,^extref,^skinny-metadata -R ^free-space-tree' },
  { args: '', mount: 'compress=zlib' },
  { args: '', mount: 'compress-force=zlib:9' },
  { args: '', mount: 'compress-force=lzo' },
  { args: '', mount: 'compress-force=zstd:1' },
  { args: '', mount: 'compress-force=zstd:15' },
  { args: '-n 4096', mount: 'compress-force=zstd' },
  { args: '--csum sha256', mount: 'compress-force=lzo' },
  { args: '', mount: 'max_inline=0' },
  { args: '', mount: 'nodatasum' },
  { args: '', mount: 'nodatacow' },
];
const SEVERAL_DEVICES: readonly Kind[] = [
  { args: '-m single -d single', devices: 2 },
  { args: '-m raid0 -d raid0', devices: 2 },
  { args: '-m raid0 -d raid0 -n 4096', devices: 3, mount: 'compress-force=lzo' },
  { args: '-m raid1 -d raid0', devices: 4 },
  { args: '-m raid1 -d raid1', devices: 2 },
  { args: '-m raid1 -d raid1 --csum xxhash', devices: 3 },
  { args: '-m raid10 -d raid10', devices: 4 },
  { args: '-m raid1c3 -d raid1c3', devices: 3 },
  { args: '-m raid1c4 -d raid1c4', devices: 4 },
  { args: '-m raid5 -d raid5', devices: 3 },
  { args: '-m raid1 -d raid5', devices: 4, mount: 'compress-force=zstd' },
  { args: '-m raid6 -d raid6', devices: 3 },
  { args: '-m raid6 -d raid6', devices: 4 },
];

describe.skipIf(!hasBtrfsProgs)('the files of a btrfs filesystem are those that the kernel shows', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-btrfs-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.for([...ONE_DEVICE, ...SEVERAL_DEVICES])('mkfs.btrfs $args on $devices, mount -o $mount', (kind, context) => {
    const images = makeBtrfs(folder, kind);
    const shown = withMountedDevices(images, ['noatime', kind.mount ?? 'rw'].join(), (target) => {
      execFileSync('cp', ['-a', `${sample}/.`, target]);
      addBtrfsContent(target, kind.args.includes('^extref') ? { links: 20 } : {});
      execFileSync('sync', ['-f', target]);
      return listFolder(target);
    });
    if (shown === undefined) return context.skip('no images can be mounted here');
    const fileSystem = openImages(images);
    expect(fileSystem.warnings).toEqual([]);
    expect(listTree(createFileTree(fileSystem)).map(comparable)).toEqual(shown.map(comparable));
    for (const image of images) rmSync(image);
  });
});

const NOW = { modified: 'now', changed: 'now', created: 'now' };

/** The times of the folder that stands for a subvolume in a snapshot are those of looking. */
function comparable(file: ListedFile): ListedFile {
  return file.inode === EMPTY_SUBVOLUME_FOLDER ? { ...file, ...NOW } : file;
}
