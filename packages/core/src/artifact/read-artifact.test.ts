import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import type { ArtifactReference } from '../job/artifact.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { openFileStore } from './file-store.ts';
import { keepArtifact } from './keep-artifact.ts';
import { openArtifact } from './read-artifact.ts';

const NAMED = { name: 'a.json', key: 'artifacts/t/j/1-x/a.json', media_type: 'application/json' };

test('an artifact below 16 KiB is stored as it is', async () => {
  const store = await newStore();
  const reference = await keepArtifact(store, NAMED, Buffer.from('{"a":1}'));
  expect(reference).toMatchObject({ encoding: 'identity', size_bytes: 7, key: NAMED.key });
  expect((await read(store, reference))?.toString()).toBe('{"a":1}');
});

test('a larger artifact is stored compressed, and comes back as it was', async () => {
  const store = await newStore();
  const content = Buffer.from('guest '.repeat(400_000));
  const reference = await keepArtifact(store, NAMED, content);
  expect(reference).toMatchObject({ encoding: 'zstd', size_bytes: content.length });
  expect((await store.stat(NAMED.key))?.sizeBytes).toBeLessThan(content.length / 100);
  expect((await read(store, reference))?.equals(content)).toBe(true);
});

test('an artifact that the store does not have is undefined', async () => {
  const store = await newStore();
  const reference = await keepArtifact(store, NAMED, Buffer.from('x'));
  await store.delete([NAMED.key]);
  expect(await openArtifact(store, reference)).toBeUndefined();
});

test.for([
  ['other bytes', Buffer.from('{"a":2}')],
  ['fewer bytes', Buffer.from('{"a":1')],
  ['more bytes', Buffer.from('{"a":1}{"a":1}')],
  ['none', Buffer.alloc(0)],
] as const)('of an artifact whose object holds %s the last piece never comes', async ([, bytes]) => {
  const store = await newStore();
  const reference = await keepArtifact(store, NAMED, Buffer.from('{"a":1}'));
  await store.put(NAMED.key, bytes);
  const pieces: Uint8Array[] = [];
  const reading = async () => {
    for await (const piece of (await openArtifact(store, reference)) ?? []) pieces.push(piece);
  };
  await expect(reading()).rejects.toThrow(/^Cannot read artifact "a.json": the store holds something else/);
  expect(pieces).toEqual([]);
});

test('an object that unfolds to more than the artifact had is given up early', async () => {
  const store = await newStore();
  const reference = await keepArtifact(store, NAMED, Buffer.from('guest '.repeat(10_000)));
  await store.put(NAMED.key, await promisify(zstdCompress)(Buffer.alloc(256 * 2 ** 20)));
  await expect(read(store, reference)).rejects.toThrow(/holds something else/);
});

test('an object that is not compressed as it should be is a fault', async () => {
  const store = await newStore();
  const reference = await keepArtifact(store, NAMED, Buffer.from('guest '.repeat(10_000)));
  await store.put(NAMED.key, Buffer.from('no zstd'));
  await expect(read(store, reference)).rejects.toThrow();
});

async function newStore(): Promise<ArtifactStore> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-artifact-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return openFileStore(folder);
}

async function read(store: ArtifactStore, reference: ArtifactReference): Promise<Buffer | undefined> {
  const bytes = await openArtifact(store, reference);
  return bytes && Buffer.concat(await Array.fromAsync(bytes));
}
