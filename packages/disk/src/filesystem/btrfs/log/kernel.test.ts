import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../../test/support/loop-mount.ts';
import { type ListedFile, listFolder, listTree } from '../../../../../../test/support/tree-listing.ts';
import { createFileTree } from '../../tree.ts';
import { hasBtrfsProgs, makeBtrfs, openImages, sourceOf } from '../testing/image.ts';

type At = (name: string) => string;

/** What happens after the last commit; every one of them ends in an fsync. */
const STORIES: Readonly<Record<string, (at: At) => void>> = {
  'a new file': (at) => {
    writeFileSync(at('folder/new'), 'x'.repeat(10_000));
    writeFileSync(at('folder/inline'), 'small');
    sync(at('folder/new'));
    sync(at('folder/inline'));
  },
  'content over content, and behind the end': (at) => {
    writeAt(at('large'), 100_000, 'y'.repeat(30_001));
    writeAt(at('large'), 400_000, 'z');
    sync(at('large'));
  },
  'a file cut short': (at) => {
    truncateSync(at('large'), 12_345);
    sync(at('large'));
  },
  'a hole': (at) => {
    execFileSync('fallocate', ['-p', '-o', '40000', '-l', '90000', at('large')]);
    sync(at('large'));
  },
  'a file renamed': (at) => {
    renameSync(at('folder/one'), at('other/renamed'));
    sync(at('other/renamed'));
  },
  'a file in the place of another': (at) => {
    writeFileSync(at('temporary'), 'the new content');
    sync(at('temporary'));
    renameSync(at('temporary'), at('folder/one'));
    sync(at('folder/one'));
  },
  'names taken away': (at) => {
    unlinkSync(at('folder/one'));
    unlinkSync(at('folder/two'));
    writeFileSync(at('folder/three'), 'three');
    sync(at('folder'));
  },
  'hard links come and go': (at) => {
    linkSync(at('large'), at('folder/link'));
    linkSync(at('large'), at('other/link'));
    unlinkSync(at('folder/linked'));
    sync(at('large'));
  },
  'a name changed from hand to hand': (at) => {
    renameSync(at('folder/one'), at('folder/spare'));
    renameSync(at('folder/two'), at('folder/one'));
    renameSync(at('folder/spare'), at('folder/two'));
    sync(at('folder/one'));
    sync(at('folder/two'));
  },
  'a tree of new folders': (at) => {
    mkdirSync(at('a/b/c'), { recursive: true });
    writeFileSync(at('a/b/c/deep'), 'deep');
    symlinkSync('deep', at('a/b/c/link'));
    execFileSync('mknod', [at('a/b/device'), 'c', '4', '64']);
    sync(at('a/b/c/deep'));
    sync(at('a/b'));
    sync(at('a/b/c'));
  },
  attributes: (at) => {
    execFileSync('setfattr', ['-n', 'user.new', '-v', 'value', at('large')]);
    execFileSync('setfattr', ['-x', 'user.old', at('large')]);
    execFileSync('chown', ['5:6', at('large')]);
    sync(at('large'));
  },
  'many small writes': (at) => {
    for (let index = 0; index < 60; index++) {
      writeAt(at('large'), index * 8192, `${index}`.repeat(100));
      writeFileSync(at(`other/${'n'.repeat(100)}${index}`), 'm'.repeat(index * 100));
    }
    sync(at('large'));
    for (let index = 0; index < 60; index += 2) sync(at(`other/${'n'.repeat(100)}${index}`));
  },
  'a subvolume': (at) => {
    writeFileSync(at('subvolume/new'), 'in the subvolume');
    writeAt(at('subvolume/file'), 3, 'changed');
    sync(at('subvolume/new'));
    sync(at('subvolume/file'));
    writeFileSync(at('outside'), 'outside');
    sync(at('outside'));
  },
};

const OF_EXTENTS = ['content over content, and behind the end', 'a file cut short', 'a hole', 'many small writes'];

describe.skipIf(!hasBtrfsProgs)('what was fsynced before a crash is there, as Linux restores it', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-btrfs-log-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const cases = [
    ...Object.keys(STORIES).map((story) => ({ args: '', story })),
    ...OF_EXTENTS.map((story) => ({ args: '-O ^no-holes -n 4096', story })),
  ];

  test.for(cases)('$story: mkfs.btrfs $args', ({ args, story }, context) => {
    const [image = ''] = makeBtrfs(folder, { args });
    const torn = `${image}.torn`;
    withMounted(image, 'noatime', (target) => prepare((name) => path.join(target, name)));
    const wasTorn = withMounted(image, 'commit=300,noatime', (target) => {
      const at = (name: string) => path.join(target, name);
      // the first room that is taken for content makes for a commit, and so may a story: what comes last is in a log
      writeFileSync(at('first'), 'f'.repeat(5000));
      execFileSync('sync', ['-f', target]);
      STORIES[story]?.(at);
      writeFileSync(at('last'), 'last');
      sync(at('last'));
      execFileSync('cp', ['--sparse=always', image, torn]);
      return true;
    });
    if (wasTorn === undefined) return context.skip('no images can be mounted here');
    expect(logRootOf(torn)).toBeGreaterThan(0n);
    const fileSystem = openImages([torn]);
    expect(fileSystem.warnings).toEqual([]);
    const files = listTree(createFileTree(fileSystem));
    const shown = withMounted(torn, 'noatime', listFolder);
    expect(files.map(comparable)).toEqual(shown?.map(comparable));
    rmSync(image);
    rmSync(torn);
  });
});

function logRootOf(image: string): bigint {
  return Buffer.from(sourceOf(image).read(0x10060, 8)).readBigUInt64LE();
}

function prepare(at: At): void {
  for (const name of ['folder', 'other']) mkdirSync(at(name));
  writeFileSync(at('large'), 'l'.repeat(300_000));
  for (const name of ['one', 'two', 'kept']) writeFileSync(at(`folder/${name}`), name);
  linkSync(at('large'), at('folder/linked'));
  execFileSync('setfattr', ['-n', 'user.old', '-v', 'value', at('large')]);
  execFileSync('btrfs', ['subvolume', 'create', at('subvolume')], { stdio: 'pipe' });
  writeFileSync(at('subvolume/file'), 'in a subvolume');
}

function writeAt(file: string, offset: number, text: string): void {
  execFileSync('dd', [`of=${file}`, 'bs=1M', `seek=${offset}`, 'oflag=seek_bytes', 'conv=notrunc', 'status=none'], {
    input: text,
  });
}

function sync(file: string): void {
  const fd = openSync(file, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

/** Linux sets the times of a folder from which it takes a name in a replay. */
function comparable(file: ListedFile): ListedFile {
  return file.type === 'directory' ? { ...file, modified: 'now', changed: 'now' } : file;
}
