import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../../test/support/loop-mount.ts';
import { differences } from '../../../../../../test/support/tree-differences.ts';
import { listFolder, listTree } from '../../../../../../test/support/tree-listing.ts';
import { MemorySource } from '../../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus } from '../../../testing/corpus.ts';
import { createFileTree } from '../../tree.ts';
import { openExt4 } from '../open.ts';
import { debugfs, hasE2fsprogs, makeExt, openImage } from '../testing/image.ts';

const MIB = 2 ** 20;
/** mke2fs, mount: each combination is another form of journal. */
const JOURNALS: readonly (readonly [mke2fs: string, mount: string])[] = [
  ['-t ext3 -b 1024 -J size=1', 'data=ordered'],
  ['-t ext3 -b 1024 -J size=1', 'data=journal'],
  ['-t ext4 -b 1024 -J size=1', 'data=ordered'],
  ['-t ext4 -b 1024 -J size=1', 'data=journal,nodelalloc'],
  ['-t ext4 -b 4096 -J size=4', 'data=writeback'],
  ['-t ext4 -b 1024 -J size=1 -O ^64bit', 'data=journal,nodelalloc'],
  ['-t ext4 -b 1024 -J size=1 -O ^metadata_csum', 'journal_checksum'],
  ['-t ext4 -b 1024 -J size=1 -O ^metadata_csum,^64bit', 'journal_async_commit,data=writeback'],
  ['-t ext4 -b 1024 -J size=1', 'journal_async_commit,data=writeback'],
  ['-t ext4 -b 1024 -J size=1 -O inline_data,orphan_file', 'data=ordered'],
];
/** Where in the journal copies are cut, in blocks. */
const CUTS = [2, 9, 33, 150];

describe.skipIf(!hasE2fsprogs)('a filesystem copied while it was written to', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-journal-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  for (const [args, options] of JOURNALS) {
    test(`reads as after the replay of the kernel: mke2fs ${args}, mount -o ${options}`, (context) => {
      const torn = copyUnderLoad(args, options);
      if (torn === undefined) return context.skip('no images can be mounted here');
      const bytes = readFileSync(torn);
      const warnings = expectAsReplayed(bytes);
      expect(warnings).toContainEqual(expect.stringMatching(/journal replayed, [1-9]\d* transaction/));
      const journal = journalBlocks(torn);
      for (const block of CUTS) expectAsReplayed(cut(bytes, journal, block));
    });
  }

  test('numbers of transactions wrap around', (context) => {
    const torn = copyUnderLoad('-t ext3 -b 1024 -J size=1', 'data=ordered', (image) => {
      const [start = 0] = journalBlocks(image);
      const fd = openSync(image, 'r+');
      writeSync(fd, Buffer.from([0xff, 0xff, 0xff, 0xfe]), 0, 4, start + 0x18);
      closeSync(fd);
    });
    if (torn === undefined) return context.skip('no images can be mounted here');
    const [journal = 0] = journalBlocks(torn);
    expect(readFileSync(torn).readUInt32BE(journal + 0x18)).toBeGreaterThanOrEqual(0xfffffffe);
    expect(openImage(torn).warnings).toContainEqual(expect.stringMatching(/journal replayed, [3-9] transactions/));
    expectAsReplayed(readFileSync(torn));
  });

  function copyUnderLoad(args: string, options: string, prepare = (_: string) => {}): string | undefined {
    const sizeBytes = args.includes('4096') ? 24 * MIB : 8 * MIB;
    const image = makeExt(path.join(folder, `${Math.random()}`), { args, sizeBytes });
    prepare(image);
    const torn = `${image}-torn`;
    return withMounted(image, `rw,noatime,${options}`, (target) => {
      load(target);
      copyFileSync(image, torn);
      return torn;
    });
  }

  /** Compares with the kernel; what it refuses to replay, we do not call replayed. @returns our warnings */
  function expectAsReplayed(bytes: Buffer): readonly string[] {
    const fileSystem = openExt4(new MemorySource(bytes));
    const files = listTree(createFileTree(fileSystem));
    const copy = path.join(folder, 'replayed');
    writeFileSync(copy, bytes);
    const replayed = withMounted(copy, 'rw,noatime', (target) => listFolder(target));
    const { warnings } = fileSystem;
    expect(warnings.some((warning) => warning.includes('not replayed'))).toBe(replayed === undefined);
    if (replayed !== undefined) expect(differences(files, replayed)).toEqual([]);
    return warnings;
  }
});

describe.skipIf(!hasE2fsprogs || corpusAbsent !== undefined)('journals of the tests of e2fsck', () => {
  const IMAGES = corpusFiles('malformed/e2fsprogs/j_{corrupt,recover}_*/image.gz');

  test('are there', () => {
    expect(IMAGES.length).toBeGreaterThanOrEqual(7);
  });

  test.each(IMAGES)('%s is replayed as e2fsck replays it, or said not to be', (file) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-journal-'));
    const image = path.join(folder, 'image');
    writeFileSync(image, readCorpus(file));
    const before = openImage(image);
    const ours = listTree(createFileTree(before));
    spawnSync('e2fsck', ['-fy', '-E', 'journal_only', image]);
    const after = listTree(createFileTree(openImage(image)));
    rmSync(folder, { recursive: true });
    if (!before.warnings.some((warning) => warning.includes('not replayed'))) {
      expect(differences(ours, after, { names: ['ours', 'e2fsck'] })).toEqual([]);
    }
    expect(before.warnings.length).toBeGreaterThan(0);
  });
});

/** Several transactions, with blocks that were freed again, and content that looks like the journal's own. */
function load(target: string): void {
  const at = (name: string) => path.join(target, name);
  for (let round = 0; round < 4; round++) {
    mkdirSync(at(`folder-${round}/below`), { recursive: true });
    for (let index = 0; index < 12; index++) writeFileSync(at(`folder-${round}/file-${index}`), `${round} ${index}`);
    writeFileSync(at(`escaped-${round}`), Buffer.from([0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 1, 0, 0, 0, round]));
    writeFileSync(at('rewritten'), Buffer.alloc(60_000 + round, round));
    execFileSync('sync', ['-f', target]);
    // blocks of folders become blocks of content: their older copies must be revoked
    if (round > 0) rmSync(at(`folder-${round - 1}`), { recursive: true });
    writeFileSync(at(`content-${round}`), Buffer.alloc(90_000, `content ${round} `));
  }
  renameSync(at('folder-3'), at('renamed'));
  symlinkSync('x'.repeat(200), at('link'));
  writeSynced(at('synced'));
  writeFileSync(at('not-synced'), 'perhaps lost');
}

function writeSynced(file: string): void {
  const fd = openSync(file, 'w');
  writeSync(fd, 'synced');
  ftruncateSync(fd, 5000);
  fsyncSync(fd);
  closeSync(fd);
}

/** Where the blocks of the journal are, all found by one call. */
function journalBlocks(image: string): number[] {
  const found = debugfs(image, ...Array.from({ length: 1024 }, (_, block) => `bmap <8> ${block}`));
  const blockSize = blockSizeOf(readFileSync(image));
  return [...found.matchAll(/^(\d+)$/gm)].map(([block]) => Number(block) * blockSize);
}

function blockSizeOf(bytes: Buffer): number {
  return 1024 << bytes.readUInt32LE(0x418);
}

/** With a journal that was not written from an even block on, or whose odd block was written wrongly. */
function cut(bytes: Buffer, journal: readonly number[], block: number): Buffer {
  const copy = Buffer.from(bytes);
  const blockSize = blockSizeOf(bytes);
  if (block % 2 === 1) copy.fill(0xa5, (journal[block] ?? 0) + 200, (journal[block] ?? 0) + 232);
  else for (const offset of journal.slice(block)) copy.fill(0, offset, offset + blockSize);
  return copy;
}
