import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFileStore } from './file-store.ts';

test('opening a store makes nothing: who only reads need not be able to write', async () => {
  const folder = path.join(newFolder(), 'store');
  const store = await openFileStore(folder);
  expect(await store.get('artifacts/x')).toBeUndefined();
  expect(existsSync(folder)).toBe(false);
});

test('opening a store removes what writers left behind a day ago, and nothing younger', async () => {
  const folder = newFolder();
  mkdirSync(path.join(folder, '.tmp'));
  for (const [name, hours] of [
    ['old', 25],
    ['young', 23],
  ] as const) {
    const file = path.join(folder, '.tmp', name);
    writeFileSync(file, name);
    utimesSync(file, new Date(), new Date(Date.now() - hours * 3600 * 1000));
  }
  await openFileStore(folder);
  expect(readdirSync(path.join(folder, '.tmp'))).toEqual(['young']);
});

test('a writer leaves nothing behind, whether it succeeds or fails', async () => {
  const folder = newFolder();
  const store = await openFileStore(folder);
  await store.put('artifacts/x', Buffer.from('x'));
  // biome-ignore lint/correctness/useYield: it breaks off at once
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    throw new Error('broken');
  };
  await expect(store.put('artifacts/y', broken())).rejects.toThrow('broken');
  expect(readdirSync(path.join(folder, '.tmp'))).toEqual([]);
});

test('a listing does not follow symlinks out of the store', async () => {
  const folder = newFolder();
  const elsewhere = newFolder();
  writeFileSync(path.join(elsewhere, 'secret'), 'secret');
  const store = await openFileStore(folder);
  await store.put('artifacts/x', Buffer.from('x'));
  symlinkSync(elsewhere, path.join(folder, 'artifacts', 'link'));
  expect((await Array.fromAsync(store.list('artifacts/'))).map(({ key }) => key)).toEqual(['artifacts/x']);
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'gk-file-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
