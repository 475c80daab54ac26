import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../../../test/support/loop-mount.ts';
import { differences } from '../../../../../../../test/support/tree-differences.ts';
import { type ListedFile, listFolder, listTree } from '../../../../../../../test/support/tree-listing.ts';
import { MemorySource } from '../../../../source/memory-source.ts';
import { type Random, seededRandom } from '../../../../testing/mutation.ts';
import { createFileTree } from '../../../tree.ts';
import { openExt4 } from '../../open.ts';
import { hasE2fsprogs } from '../../testing/image.ts';
import { copyAfterStory, fastCommitBlocks, type Story } from './testing/fast-commits.ts';

const SMALL = '-t ext4 -b 1024 -J size=2';

const NO_MOUNT = 'no images can be mounted here';

const NAMES: Story = (at) => {
  renameSync(at('folder/file-1'), at('moved'));
  sync(at('moved'));
  renameSync(at('folder/file-2'), at('folder/file-3'));
  linkSync(at('moved'), at('folder/hard'));
  sync(at('moved'));
  unlinkSync(at('folder/file-4'));
  unlinkSync(at('moved'));
  writeFileSync(at('folder/moved'), 'another', { flush: true });
  renameSync(at('folder/moved'), at('folder/moved-on'));
  sync(at('folder/moved-on'));
};

const STORIES: readonly (readonly [title: string, story: Story])[] = [
  [
    'files made in old and new folders',
    (at) => {
      writeFileSync(at('made'), 'made', { flush: true });
      mkdirSync(at('new/below'), { recursive: true });
      writeFileSync(at('new/below/file'), Buffer.alloc(70_000, 'new '), { flush: true });
      writeFileSync(at('folder/more'), 'more', { flush: true });
    },
  ],
  [
    'files grown, overwritten and made shorter',
    (at) => {
      appendFileSync(at('folder/long'), Buffer.alloc(50_000, 'more'));
      sync(at('folder/long'));
      writeAt(at('folder/file-1'), 10, 'overwritten');
      truncateSync(at('folder/file-2'), 3000);
      sync(at('folder/file-2'));
      truncateSync(at('folder/file-3'), 0);
      writeFileSync(at('folder/file-3'), 'again', { flush: true });
    },
  ],
  ['names moved, added and taken away', NAMES],
  [
    'inodes used again',
    (at) => {
      unlinkSync(at('folder/file-1'));
      rmdirSync(at('folder/empty'));
      writeFileSync(at('again'), Buffer.alloc(9000, 'again'), { flush: true });
      writeFileSync(at('again-2'), '', { flush: true });
      truncateSync(at('again-2'), 20_000);
      mkdirSync(at('again-3'));
      writeFileSync(at('again-3/file'), 'x', { flush: true });
      rmSync(at('again-3'), { recursive: true });
      writeFileSync(at('again-4'), 'y', { flush: true });
    },
  ],
  [
    'blocks reserved, and holes made',
    (at) => {
      fallocate('-o', '4096', '-l', '200000', at('folder/file-1'));
      writeAt(at('folder/file-1'), 100_000, 'in the middle');
      fallocate('-p', '-o', '5000', '-l', '60000', at('folder/long'));
      sync(at('folder/long'));
      writeAt(at('folder/long'), 9000, 'in the hole');
      writeAt(at('sparse'), 3_000_000, 'at the end');
      for (let part = 0; part < 12; part++) writeAt(at('parts'), part * 8192, `part ${part}`);
    },
  ],
  [
    'a folder that grew',
    (at) => {
      for (let index = 0; index < 24; index++)
        writeFileSync(at(`folder/${'long name '.repeat(9)}${index}`), `${index}`);
      appendFileSync(at('folder/file-1'), 'more', { flush: true });
    },
  ],
];

/** Other forms of filesystem. */
const FORMS = ['-t ext4 -b 4096 -J size=4', `${SMALL} -O ^metadata_csum,^64bit`, `${SMALL} -O inline_data`];

describe.skipIf(!hasE2fsprogs)('fast commits', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fast-commit-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.for(STORIES)('%s are read as after the replay of the kernel', ([_, story], context) => {
    const bytes = copyAfter(story, SMALL);
    if (bytes === undefined) return context.skip(NO_MOUNT);
    expectAllReplayed(bytes);
  });

  test.for([SMALL, ...FORMS])(
    'what happened at random is read as after the replay of the kernel: mke2fs %s',
    (args, context) => {
      const bytes = copyAfter((at) => happen(at, seededRandom(1)), args);
      if (bytes === undefined) return context.skip(NO_MOUNT);
      expectAllReplayed(bytes);
    },
  );

  test('a folder is there that has the inode of one removed', (context) => {
    const bytes = copyAfter((at) => {
      mkdirSync(at('one'));
      writeFileSync(at('one/file'), '', { flush: true });
      rmSync(at('one'), { recursive: true });
      mkdirSync(at('other'));
      writeFileSync(at('last'), '', { flush: true });
    }, SMALL);
    if (bytes === undefined) return context.skip(NO_MOUNT);
    // Linux 6.18 loses it
    const { root } = openExt4(new MemorySource(bytes));
    expect([...root.list()].map(({ name }) => name)).toEqual(['lost+found', 'folder', 'other', 'last']);
    expect([...(root.lookup('other')?.list() ?? [])]).toEqual([]);
  });

  test('a torn one is not replayed, nor what follows', (context) => {
    const bytes = copyAfter(NAMES, SMALL);
    if (bytes === undefined) return context.skip(NO_MOUNT);
    const blocks = fastCommitBlocks(bytes);
    expect(blocks).toHaveLength(4);
    for (const [index, { offset, length }] of blocks.entries()) {
      const warning = index === 0 ? /transactions?$/ : new RegExp(`transactions? and ${index} fast commits?$`);
      const cut = Buffer.from(bytes).fill(0, offset, offset + length);
      expect(expectAsReplayed(cut)).toEqual([expect.stringMatching(warning)]);
      const damaged = Buffer.from(bytes).fill(0xa5, offset + 20, offset + 40);
      expect(expectAsReplayed(damaged)).toContainEqual(
        expect.stringMatching(index === 0 ? /fast commits not replayed: .*the first is damaged/ : warning),
      );
    }
  });

  test('while there are some, the bitmaps are not believed', (context) => {
    const bytes = copyAfter(NAMES, SMALL);
    if (bytes === undefined) return context.skip(NO_MOUNT);
    expect(openExt4(new MemorySource(bytes)).freeRanges).toBeUndefined();
  });

  function expectAllReplayed(bytes: Buffer): void {
    const warning = /journal replayed, \d+ transactions? and \d+ fast commits?$/;
    expect(expectAsReplayed(bytes)).toEqual([expect.stringMatching(warning)]);
  }

  function copyAfter(story: Story, args: string): Buffer | undefined {
    return copyAfterStory(path.join(folder, `${Math.random()}`), { args, prepare, story });
  }

  function expectAsReplayed(bytes: Buffer): readonly string[] {
    const fileSystem = openExt4(new MemorySource(bytes));
    const files = listTree(createFileTree(fileSystem));
    const copy = path.join(folder, 'replayed');
    writeFileSync(copy, bytes);
    const replayed = withMounted(copy, 'rw,noatime', (target) => listFolder(target));
    const { warnings } = fileSystem;
    expect(warnings.some((warning) => warning.includes('not replayed'))).toBe(replayed === undefined);
    if (replayed !== undefined) expect(differences(files, asCommitted(replayed, files))).toEqual([]);
    return warnings;
  }
});

const TIMES = ['modified', 'changed'] as const;

/**
 * What the kernel made, but for what it made up when it replayed: times of then, newer than any of ours, and the sizes of
 * folders that it wrote to.
 */
function asCommitted(replayed: readonly ListedFile[], ours: readonly ListedFile[]): ListedFile[] {
  const newest = Math.max(...ours.flatMap((file) => TIMES.map((time) => secondsOf(file[time]))));
  const ourFiles = new Map(ours.map((file) => [file.path, file]));
  return replayed.map((file) => {
    const ours = ourFiles.get(file.path) ?? file;
    const madeUp = TIMES.filter((time) => secondsOf(file[time]) > newest);
    const isRewritten = file.type === 'directory' && madeUp.length > 0;
    const before = Object.fromEntries(madeUp.map((time) => [time, ours[time]]));
    return { ...file, ...before, ...(isRewritten && { size: ours.size }) };
  });
}

function secondsOf(time: string): number {
  const [, seconds, nanoseconds] = /^(-?\d+) s (\d+) ns$/.exec(time) ?? [];
  return Number(seconds) + Number(nanoseconds) / 1e9;
}

function prepare(at: (name: string) => string): void {
  mkdirSync(at('folder/empty'), { recursive: true });
  for (let index = 0; index < 5; index++)
    writeFileSync(at(`folder/file-${index}`), Buffer.alloc(index * 5000 + 100, `${index} `));
  writeFileSync(at('folder/long'), Buffer.alloc(300_000, 'long'));
}

function happen(at: (name: string) => string, random: Random): void {
  const files = ['folder/file-1', 'folder/file-2', 'folder/long'];
  const any = () => files[random(files.length)] as string;
  const acts: (() => void)[] = [
    () => appendFileSync(at(any()), Buffer.alloc(random(9000), `${random(10)}`)),
    () => writeAt(at(any()), random(90_000), `${random(1000)}`),
    () => truncateSync(at(any()), random(60_000)),
    () => fallocate('-p', '-o', `${random(40_000)}`, '-l', `${1 + random(30_000)}`, at(any())),
    () => fallocate('-o', `${random(40_000)}`, '-l', `${1 + random(30_000)}`, at(any())),
    () => {
      const name = `made-${random(40)}`;
      writeFileSync(at(name), Buffer.alloc(random(9000), name));
      if (!files.includes(name)) files.push(name);
    },
    () => {
      const name = `folder/moved-${random(40)}`;
      const index = random(files.length);
      renameSync(at(files[index] as string), at(name));
      files.splice(index, 1);
      if (!files.includes(name)) files.push(name);
    },
    () => files.length > 3 && unlinkSync(at(files.splice(random(files.length), 1)[0] as string)),
    () => mkdirSync(at(`folder-${random(1000)}/below`), { recursive: true }),
    () => sync(at(any())),
  ];
  for (let index = 0; index < 60; index++) acts[random(acts.length)]?.();
  sync(at(any()));
}

function fallocate(...args: readonly string[]): void {
  execFileSync('fallocate', args);
}

function writeAt(file: string, offset: number, text: string): void {
  // not cut where it is there, made where it is not
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT);
  writeSync(fd, text, offset);
  fsyncSync(fd);
  closeSync(fd);
}

function sync(file: string): void {
  const fd = openSync(file, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
