import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteSource } from './byte-source.ts';
import { CachedSource } from './cached-source.ts';
import { FileSource } from './file-source.ts';
import { MemorySource } from './memory-source.ts';
import { readInto, readIntoUpToEnd } from './read-into.ts';
import { WindowSource } from './window-source.ts';

const CONTENT = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 251);
let folder: string;
let path: string;
let file: FileSource;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestkit-source-'));
  path = join(folder, 'content');
  writeFileSync(path, CONTENT);
  file = FileSource.open(path);
});

afterAll(() => {
  file.close();
  rmSync(folder, { recursive: true });
});

const SOURCES: Readonly<Record<string, () => ByteSource>> = {
  MemorySource: () => new MemorySource(CONTENT),
  FileSource: () => file,
  WindowSource: () => new WindowSource(new MemorySource(Uint8Array.of(9, ...CONTENT, 9, 9)), 1, CONTENT.length),
  CachedSource: () => new CachedSource(new MemorySource(CONTENT), { blockBytes: 64, budgetBytes: 256 }),
};

describe.each(Object.entries(SOURCES))('%s', (_, create) => {
  test('reads any range inside, again and again', () => {
    const source = create();
    expect(source.sizeBytes).toBe(CONTENT.length);
    fc.assert(
      fc.property(fc.nat(CONTENT.length), fc.nat(CONTENT.length), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect(source.read(start, end - start)).toEqual(CONTENT.subarray(start, end));
      }),
    );
  });

  test('fills an array of the caller with any range, and refuses one outside', () => {
    const source = create();
    fc.assert(
      fc.property(fc.nat(CONTENT.length), fc.nat(CONTENT.length), (a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const target = new Uint8Array(end - start).fill(255);
        readInto(source, start, target);
        expect(target).toEqual(CONTENT.subarray(start, end));
      }),
    );
    expect(() => readInto(source, 999, new Uint8Array(2))).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });

  test('leaves zeros past its end where it may be shorter', () => {
    const target = new Uint8Array(4).fill(255);
    readIntoUpToEnd(create(), 998, target);
    expect([...target]).toEqual([...CONTENT.subarray(998), 0, 0]);
  });

  test.each([
    [999, 2],
    [1001, 0],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
    [2 ** 53, 1],
  ])('refuses the range %d+%d', (offset, length) => {
    expect(() => create().read(offset, length)).toThrow(
      expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }),
    );
  });
});

describe('FileSource', () => {
  test('says that a file shrank while it was read', () => {
    const shrinking = join(folder, 'shrinking');
    writeFileSync(shrinking, CONTENT);
    using source = FileSource.open(shrinking);
    truncateSync(shrinking, 10);
    expect(() => source.read(0, 100)).toThrow(expect.objectContaining({ kind: 'io', offset: 10 }));
  });

  test('refuses what is not a regular file, without waiting for a fifo', () => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    for (const [name, what] of Object.entries({
      [folder]: 'folder',
      '/dev/null': 'character',
      [join(folder, 'fifo')]: 'fifo',
    })) {
      expect(() => FileSource.open(name)).toThrow(
        expect.objectContaining({ kind: 'io', message: expect.stringContaining(what) }),
      );
    }
  });

  test('says which system error came, and not the path', () => {
    const open = () => FileSource.open(join(folder, 'missing'));
    expect(open).toThrow(expect.objectContaining({ kind: 'io', message: 'Cannot read file: ENOENT' }));
  });

  test('turns a failed read into a DiskError', () => {
    const fd = openSync(path, 'r');
    const source = new FileSource(fd);
    closeSync(fd);
    expect(() => source.read(0, 1)).toThrow(expect.objectContaining({ kind: 'io' }));
  });
});

describe('WindowSource', () => {
  test('refuses a window that reaches past the end', () => {
    expect(() => new WindowSource(new MemorySource(CONTENT), 900, 101)).toThrow(
      expect.objectContaining({ kind: 'corrupt', offset: 900 }),
    );
  });
});

describe('CachedSource', () => {
  const cached = () => new CachedSource(new MemorySource(CONTENT), { blockBytes: 100, budgetBytes: 300 });

  test('reads a block from below once', () => {
    const source = cached();
    source.read(10, 10);
    source.read(50, 50);
    expect(source.stats).toEqual({ bytes: 100, requests: 1 });
  });

  test('drops the block that was used longest ago', () => {
    const source = cached();
    for (const block of [0, 1, 2, 0, 3]) source.read(block * 100, 1);
    expect(source.stats.requests).toBe(4);
    source.read(0, 1);
    expect(source.stats.requests).toBe(4);
    source.read(100, 1);
    expect(source.stats.requests).toBe(5);
  });

  test('does not let one large read push out the rest', () => {
    const source = cached();
    source.read(0, 1);
    source.read(0, 1000);
    source.read(0, 1);
    expect(source.stats).toEqual({ bytes: 1100, requests: 2 });
  });
});
