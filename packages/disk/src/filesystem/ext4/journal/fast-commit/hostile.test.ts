import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readFields } from '../../../../fields.ts';
import { MemorySource } from '../../../../source/memory-source.ts';
import { mutate, seededRandom } from '../../../../testing/mutation.ts';
import { survives } from '../../../testing/survives.ts';
import { openExt4 } from '../../open.ts';
import { hasE2fsprogs } from '../../testing/image.ts';
import { HEAD, RECORD_HEADER_SIZE, RECORD_TAG } from './layout.ts';
import { copyAfterStory, fastCommitBlocks, seal } from './testing/fast-commits.ts';

const MUTATIONS = 200;
const ROOT = 2;
/** Inode of the file made first. */
const FILE = 12;
const BLOCKS = 24 * 1024;

interface HostileRecord {
  readonly tag: number;
  /** In 32 bits each. */
  readonly words: readonly number[];
  readonly name?: string;
}

const INODE_WORDS = Array.from({ length: 32 }, () => 0);

const HOSTILE: readonly (readonly [title: string, record: HostileRecord, warning: RegExp])[] = [
  ['a range of an inode that is not there', addRange({ inode: 99_999 }), /there is no inode 99999/],
  ['a range of the journal itself', addRange({ inode: 8 }), /there is no inode 8 to change/],
  [
    'a range behind the end of the filesystem',
    addRange({ physical: BLOCKS - 1, count: 2 }),
    /Cannot read blocks 24575/,
  ],
  ['a range in the first block', addRange({ physical: 0 }), /Cannot read block 0/],
  ['a range behind the end of any file', addRange({ first: 0xffffffff, count: 2 }), /more than a file can have/],
  [
    'a hole behind the end of any file',
    { tag: RECORD_TAG.DEL_RANGE, words: [FILE, 9, 0xffffffff] },
    /more than a file/,
  ],
  ['a bad name', { tag: RECORD_TAG.LINK, words: [ROOT, FILE], name: '../x' }, /bad name "\.\.\/x"/],
  ['a name of two dots', { tag: RECORD_TAG.LINK, words: [ROOT, FILE], name: '..' }, /bad name "\.\."/],
  ['a folder that is not there', { tag: RECORD_TAG.LINK, words: [0, FILE], name: 'x' }, /there is no inode 0/],
  [
    'a new name of an unused inode',
    { tag: RECORD_TAG.CREAT, words: [ROOT, 60], name: 'x' },
    /inode 60 has a name and no/,
  ],
  ['an inode of number 0', { tag: RECORD_TAG.INODE, words: [0, ...INODE_WORDS] }, /there is no inode 0/],
  ['a file without extents', { tag: RECORD_TAG.INODE, words: [FILE, 0x81a4, ...INODE_WORDS.slice(1)] }, /no extents/],
  ['an inode that is too short', { tag: RECORD_TAG.INODE, words: [FILE, 0] }, /the first is damaged/],
  ['an unknown tag', { tag: 77, words: [] }, /the first is damaged/],
];

describe.skipIf(!hasE2fsprogs)('hostile fast commits', () => {
  let image: Buffer | undefined;

  beforeAll(() => {
    const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fast-commit-'));
    image = copyAfterStory(path.join(folder, 'image'), {
      args: '-t ext4 -b 1024 -J size=2',
      prepare: (at) => writeFileSync(at('file'), 'content'),
      story: (at) => writeFileSync(at('second'), 'more', { flush: true }),
    });
    rmSync(folder, { recursive: true });
  });

  test.for(HOSTILE)('with %s are not replayed', ([_, record, warning], context) => {
    if (image === undefined) return context.skip('no images can be mounted here');
    const { root, warnings } = openExt4(new MemorySource(withRecord(image, record)));
    expect(warnings).toContainEqual(expect.stringMatching(/^fast commits not replayed: the newest changes may be/));
    expect(warnings).toContainEqual(expect.stringMatching(warning));
    expect([...root.list()].map(({ name }) => name)).toEqual(['lost+found', 'file']);
  });

  test('with an unknown feature are not replayed', (context) => {
    if (image === undefined) return context.skip('no images can be mounted here');
    const { bytes, block } = copyOf(image);
    block.set([1], RECORD_HEADER_SIZE);
    seal(block);
    expect(openExt4(new MemorySource(bytes)).warnings).toContainEqual(expect.stringMatching(/unknown feature 0x1/));
  });

  test('of another transaction are old ones', (context) => {
    if (image === undefined) return context.skip('no images can be mounted here');
    const { bytes, block } = copyOf(image);
    block.set([99], RECORD_HEADER_SIZE + HEAD.fc_tid[0]);
    seal(block);
    expect(openExt4(new MemorySource(bytes)).warnings).toEqual([expect.stringMatching(/journal replayed, \d+ \w+$/)]);
  });

  test('that were mutated are replayed, or said not to be', (context) => {
    if (image === undefined) return context.skip('no images can be mounted here');
    const random = seededRandom(11);
    const outcomes = new Set<boolean>();
    for (let index = 0; index < MUTATIONS; index++) {
      const { bytes, block } = copyOf(image);
      block.set(mutate(block, [[0, 600]], random));
      seal(block);
      survives(() => {
        const fileSystem = openExt4(new MemorySource(bytes));
        outcomes.add(fileSystem.warnings.some((warning) => warning.includes('not replayed')));
        return fileSystem;
      }, 'second');
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });
});

function addRange({ inode = FILE, first = 0, count = 1, physical = 9000 }): HostileRecord {
  return { tag: RECORD_TAG.ADD_RANGE, words: [inode, first, count, physical] };
}

/** The first block of fast commits within a copy. */
function copyOf(image: Buffer): { readonly bytes: Uint8Array; readonly block: Uint8Array } {
  const bytes = new Uint8Array(image);
  const [place = { offset: 0, length: 0 }] = fastCommitBlocks(bytes);
  return { bytes, block: bytes.subarray(place.offset, place.offset + place.length) };
}

/** With one fast commit, of one record. */
function withRecord(image: Buffer, { tag, words, name = '' }: HostileRecord): Uint8Array {
  const { bytes, block } = copyOf(image);
  const { fc_tid } = readFields(block.subarray(RECORD_HEADER_SIZE), HEAD);
  const value = Buffer.concat([wordBytes(...words), Buffer.from(name)]);
  const head = recordOf(RECORD_TAG.HEAD, wordBytes(0, fc_tid));
  const commit = Buffer.concat([head, recordOf(tag, value), recordOf(RECORD_TAG.TAIL, wordBytes(fc_tid, 0))]);
  block.fill(0).set(commit);
  seal(block);
  return bytes;
}

function recordOf(tag: number, value: Uint8Array): Buffer {
  return Buffer.concat([new Uint8Array(Uint16Array.of(tag, value.length).buffer), value]);
}

function wordBytes(...words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}
