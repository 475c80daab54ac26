import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { IMAGE_BYTES, type JailBench, openJailBench, type RunOptions } from '../../testing/jail-bench.ts';

let bench: JailBench;

beforeAll(async () => {
  bench = await openJailBench();
});

afterAll(() => bench?.[Symbol.asyncDispose]());

afterEach(() => expect(readdirSync(path.join(bench.folder, 'staging'))).toEqual([]));

test('a jail reads what a packed image holds', async () => {
  const { ending } = await runOn(gzipSync(IMAGE_BYTES), 'raw.gz');
  expect(ending).toEqual({ kind: 'result', value: [IMAGE_BYTES.length] });
});

test('an image that is said to be raw is read as it is', async () => {
  const packed = gzipSync(IMAGE_BYTES);
  const { ending } = await runOn(packed, 'raw');
  expect(ending).toEqual({ kind: 'result', value: [packed.reduce((sum, byte) => sum + byte, 0)] });
});

test('an image that does not unpack fails as damaged', async () => {
  const { ending } = await runOn(zstdCompressSync(IMAGE_BYTES).subarray(0, -20), 'zst');
  expect(ending).toMatchObject({ kind: 'error', facts: { kind: 'corrupt', format: 'zstd' } });
});

test('an image that holds more than the limit fails as unsupported', async () => {
  const staging = { folder: path.join(bench.folder, 'staging'), limitBytes: 2 ** 20 };
  await using jails = await bench.startPool({ staging });
  const { ending } = await runOn(gzipSync(IMAGE_BYTES), 'gz', { jails });
  expect(ending).toMatchObject({ kind: 'error', facts: { kind: 'unsupported' } });
});

test('an attempt can be stopped while it unpacks', async () => {
  const stop = new AbortController();
  const large = Buffer.concat(Array(64).fill(gzipSync(Buffer.alloc(2 ** 24))));
  const { ending } = await runOn(large, 'gz', {
    signal: stop.signal,
    onProgress: ({ message }) => message.startsWith('Unpacking') && stop.abort(),
  });
  expect(ending).toEqual({ kind: 'stopped' });
});

function runOn(packed: Buffer, format: string, options: RunOptions = {}) {
  const file = path.join(bench.images, 'packed');
  writeFileSync(file, packed);
  return bench.run('test.sum', null, { images: [{ path: file, format }], ...options });
}
