import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ArtifactStore } from '@guestkit/core/artifact/artifact-store';
import { openArtifactStore } from '@guestkit/core/artifact/open-store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3_CREDENTIALS, s3Absent, startS3 } from '../support/s3-server.ts';

const s3 = s3Absent === undefined ? await startS3() : undefined;
afterAll(() => s3?.[Symbol.asyncDispose]());
const NOTHING_OF_S3 = { s3Endpoint: undefined, s3Region: undefined, s3PathStyle: false };

describe.for([
  { name: 'files', absent: undefined, open: openFiles },
  { name: 'S3', absent: s3Absent, open: openS3 },
])('an artifact store of $name', ({ absent, open }) => {
  if (absent) {
    test.skip(absent);
    return;
  }
  let store: ArtifactStore;
  beforeAll(async () => {
    store = await open();
    return () => store[Symbol.asyncDispose]();
  });

  test('gives back the bytes that were stored, and says how many and their sum', async () => {
    const content = randomBytes(100_000);
    expect(await store.put('artifacts/a/one', content)).toEqual({ sizeBytes: 100_000, sha256: sha256(content) });
    expect(await read(store, 'artifacts/a/one')).toEqual(content);
    expect(await store.stat('artifacts/a/one')).toMatchObject({ key: 'artifacts/a/one', sizeBytes: 100_000 });
  });

  test('stores nothing but a name when the content is empty', async () => {
    expect(await store.put('artifacts/a/empty', new Uint8Array())).toEqual({ sizeBytes: 0, sha256: sha256('') });
    expect(await read(store, 'artifacts/a/empty')).toEqual(Buffer.alloc(0));
  });

  test('stores a stream of many megabytes in order', async () => {
    const pieces = Array.from({ length: 21 }, () => randomBytes(1_000_003));
    const whole = Buffer.concat(pieces);
    const receipt = await store.put('artifacts/a/stream', asStream(pieces));
    expect(receipt).toEqual({ sizeBytes: whole.length, sha256: sha256(whole) });
    expect((await read(store, 'artifacts/a/stream'))?.equals(whole)).toBe(true);
  });

  test('takes what was just as large as one part of an upload', async () => {
    const content = Buffer.alloc(8 * 2 ** 20, 7);
    expect(await store.put('artifacts/a/part', content)).toEqual({
      sizeBytes: content.length,
      sha256: sha256(content),
    });
    expect((await store.stat('artifacts/a/part'))?.sizeBytes).toBe(content.length);
  });

  test('replaces what a key held', async () => {
    await store.put('artifacts/a/again', Buffer.from('first'));
    await store.put('artifacts/a/again', Buffer.from('second'));
    expect((await read(store, 'artifacts/a/again'))?.toString()).toBe('second');
  });

  test('knows no object that was never stored', async () => {
    expect(await store.get('artifacts/none')).toBeUndefined();
    expect(await store.stat('artifacts/none')).toBeUndefined();
    expect(await listed(store, 'nowhere/')).toEqual([]);
  });

  test('lists what lies below a folder, and nothing else', async () => {
    await store.put('list/x/1', Buffer.from('1'));
    await store.put('list/x/y/2', Buffer.from('22'));
    await store.put('list-not/3', Buffer.from('3'));
    expect(await listed(store, 'list/')).toEqual([
      ['list/x/1', 1],
      ['list/x/y/2', 2],
    ]);
    expect(await listed(store, 'list/x/y/')).toEqual([['list/x/y/2', 2]]);
  });

  test('deletes objects, and passes over those that are gone already', async () => {
    await store.put('gone/1', Buffer.from('1'));
    await store.put('gone/2', Buffer.from('2'));
    await store.delete(['gone/1', 'gone/never']);
    expect(await listed(store, 'gone/')).toEqual([['gone/2', 1]]);
    await store.delete([]);
    await store.delete(['gone/2']);
    await store.put('gone/2', Buffer.from('anew'));
    expect((await read(store, 'gone/2'))?.toString()).toBe('anew');
  });

  test('shows nothing of a stream that breaks off', async () => {
    const broken = async function* () {
      for (let piece = 0; piece < 12; piece++) yield randomBytes(1_000_000);
      throw new Error('the disk of the writer is gone');
    };
    await expect(store.put('broken/x', broken())).rejects.toThrow('the disk of the writer is gone');
    expect(await store.stat('broken/x')).toBeUndefined();
    expect(await listed(store, 'broken/')).toEqual([]);
  });

  test('shows nothing to a writer that may no longer publish', async () => {
    const overtaken = new AbortController();
    const slow = async function* () {
      yield randomBytes(1000);
      overtaken.abort();
      yield randomBytes(1000);
    };
    await expect(store.put('late/x', slow(), { signal: overtaken.signal })).rejects.toThrow(/abort/i);
    expect(await store.stat('late/x')).toBeUndefined();
  });

  test('lets a reader leave in the middle', async () => {
    await store.put('artifacts/a/half', randomBytes(3_000_000));
    const content = await store.get('artifacts/a/half');
    for await (const _piece of content?.bytes ?? []) break;
    await content?.[Symbol.asyncDispose]();
    expect(await read(store, 'artifacts/a/half')).toHaveLength(3_000_000);
  });

  test('stores under many keys of one folder at once, while it is emptied', async () => {
    const rounds = Array.from({ length: 50 }, (_, index) => `busy/f/${index}`);
    await Promise.all(
      rounds.map(async (key) => {
        await store.put(key, Buffer.from(key));
        await store.delete([key]);
      }),
    );
    expect(await listed(store, 'busy/')).toEqual([]);
  });

  test.for([
    '',
    '/etc/passwd',
    '../x',
    'a/../b',
    'a//b',
    './a',
    '.tmp/x',
    'a/.',
    'a\0b',
    'a\\b',
    'a b',
    'ä',
    'a'.repeat(200),
  ])('refuses the key %j', async (key) => {
    await expect(store.put(key, new Uint8Array())).rejects.toThrow(RangeError);
    await expect(store.get(key)).rejects.toThrow(RangeError);
    await expect(store.delete([key])).rejects.toThrow(RangeError);
  });
});

async function openFiles(): Promise<ArtifactStore> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-artifacts-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return openArtifactStore({ artifacts: `file:${folder}/store`, dataDir: '/nonexistent', ...NOTHING_OF_S3 });
}

async function openS3(): Promise<ArtifactStore> {
  // the one way that the SDK has to be told
  Object.assign(process.env, S3_CREDENTIALS);
  const bucket = await s3?.newBucket();
  return openArtifactStore({
    artifacts: `s3://${bucket}/guestkit/lab`,
    dataDir: '/nonexistent',
    s3Endpoint: s3?.endpoint,
    s3Region: 'eu-central-1',
    s3PathStyle: true,
  });
}

async function* asStream(pieces: readonly Buffer[]): AsyncIterable<Buffer> {
  yield* pieces;
}

async function read(store: ArtifactStore, key: string): Promise<Buffer | undefined> {
  await using content = await store.get(key);
  return content && Buffer.concat(await Array.fromAsync(content.bytes));
}

async function listed(store: ArtifactStore, folder: string): Promise<readonly (readonly [string, number])[]> {
  const objects = await Array.fromAsync(store.list(folder));
  return objects.map(({ key, sizeBytes }) => [key, sizeBytes] as const).sort();
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
