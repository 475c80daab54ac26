import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { createFileTree } from '../tree.ts';
import { copyOut, hasFatTools, makeFat, mtools, withFat } from './testing/image.ts';
import { makeSampleFolder } from './testing/sample-folder.ts';

const MIB = 2 ** 20;
const KINDS: readonly (readonly [args: string, sizeMib: number])[] = [
  ['-F 12 -s 1', 2],
  ['-F 12 -s 8', 8],
  ['-F 12 -s 64 -r 32', 16],
  ['-F 16 -s 1', 8],
  ['-F 16 -s 4 -R 8 -f 1', 32],
  ['-F 16 -s 64', 160],
  ['-F 16 -S 2048 -s 2', 48],
  ['-F 32 -s 1', 40],
  ['-F 32 -s 8 -f 3', 300],
  ['-F 32 -s 64', 2200],
  ['-F 32 -S 4096 -s 1', 300],
];

describe.skipIf(!hasFatTools)('the files of a FAT filesystem are those that mtools shows', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fat-'));
    sample = makeSampleFolder(path.join(folder, 'sample'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(KINDS)('mkfs.vfat %s, %d MiB', (args, sizeMib) => {
    const image = make(args, sizeMib, sample);
    const shown = listFolder(copyOut(image, outFolder(), 'sample'));
    expect(ours(image)).toEqual(shown.map(comparable));
    // what mtools cannot show is what was put in
    expect(ours(image).filter(isFile)).toEqual(listFolder(sample).map(comparable).filter(isFile));
  });

  test.each([
    ['-F 12 -s 1', 1],
    ['-F 16 -s 1', 4],
    ['-F 32 -s 1', 36],
  ])('fragmented files, mkfs.vfat %s, %d MiB', (args, sizeMib) => {
    const small = path.join(folder, `small-${args}`, 'sample');
    mkdirSync(small, { recursive: true });
    for (let index = 0; index < 100; index++) writeFileSync(path.join(small, `small${index}`), randomBytes(1500));
    const image = make(args, sizeMib, small);
    // all but the gaps and a little more is taken: what comes goes into the gaps
    const filler = path.join(folder, 'filler');
    writeFileSync(filler, new Uint8Array(withFat(image, ({ freeBytes }) => freeBytes ?? 0) - 60_000));
    mtools(image, 'mcopy', filler, '::/filler');
    mtools(image, 'mdel', '::/sample/small*[13579]');
    writeFileSync(path.join(folder, 'big'), randomBytes(130_000));
    mtools(image, 'mcopy', path.join(folder, 'big'), '::/sample/big');
    expect(mtools(image, 'mshowfat', '::/sample/big').split('<').length).toBeGreaterThan(20);
    expect(ours(image)).toEqual(listFolder(copyOut(image, outFolder(), 'sample')).map(comparable));
  });

  test('a file that was marked read-only', () => {
    const image = make('-F 12', 2, sample);
    mtools(image, 'mattrib', '+r', '::/sample/first');
    withFat(image, (fileSystem) => {
      const tree = createFileTree(fileSystem);
      expect(tree.stat('/sample/first')).toMatchObject({ mode: 0o555, uid: 0, gid: 0, links: 1 });
      expect(tree.stat('/sample/leap-day').mode).toBe(0o755);
      expect(tree.stat('/sample')).toMatchObject({ mode: 0o755, links: 5 });
    });
  });

  test('deleted files and the label are not listed', () => {
    const image = make('-F 12 -n LABEL', 2, sample);
    mtools(image, 'mdel', '::/sample/size-*');
    withFat(image, ({ root }) => expect([...root.list()].map(({ name }) => name)).toEqual(['sample']));
    expect(ours(image).filter(({ path }) => path.includes('size-'))).toEqual([]);
  });

  function make(args: string, sizeMib: number, from: string): string {
    return makeFat(path.join(folder, `${Math.random()}.img`), { args, sizeBytes: sizeMib * MIB, from });
  }

  function outFolder(): string {
    return mkdtempSync(path.join(folder, 'out-'));
  }
});

function ours(image: string) {
  return withFat(image, (fileSystem) =>
    listTree(createFileTree(fileSystem))
      .filter(({ path }) => path.startsWith('/sample'))
      .map(({ path, ...file }) => comparable({ ...file, path: path.slice('/sample'.length) || '/' })),
  );
}

/** Owners, modes and numbers are not those of the copy, nor are the times of folders. */
function comparable({ path, type, size, sha256, modified }: ListedFile) {
  return { path, type, ...(type === 'file' && { size, sha256, modified }) };
}

function isFile({ type }: { readonly type: string }): boolean {
  return type === 'file';
}
