import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sameFile } from './file-stamp.ts';
import { resolveOutput } from './output-guard.ts';
import { openWithin } from './path-guard.ts';
import { writeAtomically } from './write-atomically.ts';

let base: string;
let root: string;

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'guestkit-output-'));
  root = path.join(base, 'results');
  mkdirSync(root);
  mkdirSync(path.join(base, 'outside'));
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('resolveOutput', () => {
  test('finds a place relative to the first root', () => {
    expect(resolveOutput([root, base], 'web.json')).toEqual({ path: path.join(root, 'web.json'), replaces: undefined });
  });

  test('finds an absolute place within any root', () => {
    const place = path.join(base, 'outside', 'web.json');
    expect(resolveOutput([root, path.join(base, 'outside')], place).path).toBe(place);
  });

  test('makes the folders it lacks, and the roots', () => {
    const place = resolveOutput([path.join(base, 'new')], 'a/b/web.json').path;
    expect(place).toBe(path.join(base, 'new', 'a', 'b', 'web.json'));
    expect(existsSync(path.dirname(place))).toBe(true);
  });

  test('names the file that would be replaced', () => {
    writeFileSync(path.join(root, 'web.raw'), 'an image');
    const { stamp } = openWithin([root], 'web.raw');
    const { replaces } = resolveOutput([root], 'web.raw');
    expect(replaces && sameFile(replaces, stamp)).toBe(true);
  });

  test.each([
    ['a climb', '../outside/x.json'],
    ['an absolute path outside', '/tmp/x.json'],
    ['a NUL', 'x\0.json'],
    ['nothing', ''],
    ['a folder', 'sub/'],
    ['the root itself', '.'],
  ])('refuses %s', (_, destination) => {
    expect(() => resolveOutput([root], destination)).toThrow(
      expect.objectContaining({ kind: 'denied', message: expect.not.stringContaining(base) }),
    );
  });

  test('refuses a folder that is a symlink outside, and makes nothing there', () => {
    symlinkSync('../outside', path.join(root, 'link'));
    expect(() => resolveOutput([root], 'link/x.json')).toThrow(expect.objectContaining({ kind: 'denied' }));
    expect(() => resolveOutput([root], 'link/new/x.json')).toThrow(expect.objectContaining({ kind: 'denied' }));
    expect(readdirSync(path.join(base, 'outside'))).toEqual([]);
  });

  test('refuses a folder that is a symlink to nowhere', () => {
    symlinkSync('../not-yet', path.join(root, 'link'));
    expect(() => resolveOutput([root], 'link/x.json')).toThrow(expect.objectContaining({ kind: 'denied' }));
    expect(existsSync(path.join(base, 'not-yet'))).toBe(false);
  });

  test('refuses a symlink, a folder or a file in the way', () => {
    symlinkSync('../outside/x.json', path.join(root, 'link.json'));
    mkdirSync(path.join(root, 'folder.json'));
    writeFileSync(path.join(root, 'file'), '');
    expect(() => resolveOutput([root], 'link.json')).toThrow(expect.objectContaining({ kind: 'not-a-file' }));
    expect(() => resolveOutput([root], 'folder.json')).toThrow(expect.objectContaining({ kind: 'not-a-file' }));
    expect(() => resolveOutput([root], 'file/x.json')).toThrow(expect.objectContaining({ kind: 'not-a-file' }));
  });
});

describe('writeAtomically', () => {
  test('writes text, bytes and streams, and tells their size', async () => {
    const file = path.join(root, 'out');
    expect(await writeAtomically(file, 'héllo')).toBe(6);
    expect(await writeAtomically(file, new Uint8Array([1, 2, 3]))).toBe(3);
    const chunks = (async function* () {
      yield Buffer.from('one ');
      yield Buffer.from('two');
    })();
    expect(await writeAtomically(file, chunks)).toBe(7);
    expect(readFileSync(file, 'utf8')).toBe('one two');
  });

  test('leaves the old file and nothing else when the content fails', async () => {
    const file = path.join(root, 'out');
    await writeAtomically(file, 'old');
    const failing = (async function* () {
      yield Buffer.from('half');
      throw new Error('source failed');
    })();
    await expect(writeAtomically(file, failing)).rejects.toThrow('source failed');
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(root)).toEqual(['out']);
  });

  test('publishes nothing once the signal has fired', async () => {
    const stop = new AbortController();
    const lastMoment = (async function* () {
      yield Buffer.from('late');
      stop.abort();
    })();
    await expect(writeAtomically(path.join(root, 'out'), lastMoment, { signal: stop.signal })).rejects.toThrow();
    expect(readdirSync(root)).toEqual([]);
  });

  test('removes what the same writer left half written, and leaves alone what others write', async () => {
    const file = path.join(root, 'out');
    const never = new Promise<void>(() => {});
    const begin = async (writer: string) => {
      const begun = Promise.withResolvers<void>();
      const beforePublishing = () => {
        begun.resolve();
        return never;
      };
      void writeAtomically(file, writer, { writer, beforePublishing });
      await begun.promise;
    };
    await begin('job-1');
    await begin('job-2');
    await writeAtomically(file, 'whole', { writer: 'job-1' });
    const [half, ...others] = readdirSync(root).filter((name) => name !== 'out');
    expect(others).toEqual([]);
    expect(readFileSync(path.join(root, String(half)), 'utf8')).toBe('job-2');
  });

  test('replaces a symlink instead of following it', async () => {
    writeFileSync(path.join(base, 'outside', 'kept'), 'kept');
    symlinkSync('../outside/kept', path.join(root, 'link'));
    await writeAtomically(path.join(root, 'link'), 'new');
    expect(readFileSync(path.join(base, 'outside', 'kept'), 'utf8')).toBe('kept');
  });
});
