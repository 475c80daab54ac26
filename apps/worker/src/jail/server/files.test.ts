import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { COMPRESSION_SIGNATURE_SIZE } from '@guestkit/disk/compression';
import type { ImageRequest } from '@guestkit/operations/operation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_BYTES, type JailBench, openJailBench } from '../../testing/jail-bench.ts';
import type { JailPool } from '../pool.ts';
import type { JailReport } from '../task.ts';

/** A filesystem of a few KiB needs the right to mount it, which not even root has in every container. */
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

let bench: JailBench;

beforeAll(async () => {
  bench = await openJailBench();
});

afterAll(() => bench?.[Symbol.asyncDispose]());

describe('images', () => {
  test.each([
    ['outside the roots', () => '/etc/hostname', 'PATH_DENIED'],
    ['that climbs out of the roots', () => `${bench.images}/../secret`, 'PATH_DENIED'],
    ['that is a link out of the roots', () => bench.make.link('/etc/hostname'), 'PATH_DENIED'],
    ['of a device', () => bench.make.link('/dev/zero'), 'PATH_DENIED'],
    ['that does not exist', () => path.join(bench.images, 'missing.raw'), 'IMAGE_NOT_FOUND'],
    ['that is a folder', () => bench.images, 'IMAGE_NOT_FOUND'],
    ['that is a pipe', () => bench.make.fifo(), 'IMAGE_NOT_FOUND'],
    ['of 0 bytes', () => bench.make.file(''), 'IMAGE_CORRUPT'],
  ])('a path %s is refused', async (_, makePath, code) => {
    const { ending } = await runOn({ path: makePath(), format: 'raw' });
    expect(ending).toMatchObject({ kind: 'refused', code });
  });

  test('larger than the worker takes are refused', async () => {
    await using jails = await bench.startPool({ maxDiskSizeGb: 1 });
    const large = bench.make.file('x');
    truncateSync(large, 1e9 + 1);
    const images = [{ path: large, format: 'raw' }];
    const { ending } = await bench.run('test.return', null, { jails, images });
    expect(ending).toMatchObject({ kind: 'refused', code: 'IMAGE_UNSUPPORTED' });
  });

  test('that are written to while they are read are noticed', async () => {
    const changing = bench.make.file('before');
    const { ending } = await bench.run('test.until-changed', null, {
      images: [{ path: changing, format: 'raw' }],
      onProgress: ({ phase }) => {
        if (phase === 'inspection') writeFileSync(changing, 'changed', { flag: 'r+' });
      },
    });
    expect(ending).toMatchObject({ kind: 'refused', code: 'IMAGE_CHANGED' });
  });
});

describe('a checksum', () => {
  test.each([
    ['with the prefix', (hex: string) => `sha256:${hex}`],
    ['bare', (hex: string) => hex],
    ['in capitals', (hex: string) => `SHA256:${hex.toUpperCase()}`],
  ])('%s that fits lets the attempt run', async (_, spell) => {
    const checksum = spell(createHash('sha256').update(IMAGE_BYTES).digest('hex'));
    const { ending, checksums, imageBytesRead } = await runOn({ path: bench.image, format: 'raw', checksum });
    expect(ending.kind).toBe('result');
    expect(checksums).toEqual(['success']);
    // all of it once, and its head by whoever looks whether it is packed
    expect(imageBytesRead).toBe(IMAGE_BYTES.length + COMPRESSION_SIGNATURE_SIZE);
  });

  test.each([
    ['of another file', 'a'.repeat(64), 'IMAGE_CHECKSUM_MISMATCH', ['failure']],
    ['of another algorithm', `md5:${'a'.repeat(32)}`, 'VALIDATION_ERROR', []],
    ['that is too short', 'sha256:abc', 'VALIDATION_ERROR', []],
  ])('%s stops the attempt', async (_, checksum, code, outcomes) => {
    const report = await runOn({ path: bench.image, format: 'raw', checksum });
    expect(report.ending).toMatchObject({ kind: 'refused', code });
    expect(report.checksums).toEqual(outcomes);
  });

  test('that takes too long is given up, and the seat goes on', async () => {
    const large = bench.make.file('x');
    truncateSync(large, 2 ** 40);
    const images = [{ path: large, format: 'raw', checksum: 'a'.repeat(64) }];
    const report = await bench.run('test.return', null, { images, timeoutMs: 1500 });
    expect(report.ending).toEqual({ kind: 'timeout' });
    // a thread that was left behind reports nothing
    expect(report.imageBytesRead).toBeGreaterThan(0);
  });
});

describe('the policy "same-directory"', () => {
  let jails: JailPool;
  beforeAll(async () => {
    writeFileSync(path.join(bench.images, 'base.raw'), 'base');
    writeFileSync(path.join(bench.folder, 'secret'), 'secret');
    symlinkSync('../secret', path.join(bench.images, 'link.raw'));
    jails = await bench.startPool({ references: 'same-directory' });
  });
  afterAll(() => jails?.[Symbol.asyncDispose]());

  test('opens what lies beside the image', async () => {
    const { ending } = await bench.run('test.reference', { name: 'base.raw', from: 0 }, { jails });
    expect(ending).toEqual({ kind: 'result', value: 'base' });
  });

  test.each([
    ['/etc/passwd', 'denied'],
    ['../secret', 'denied'],
    ['link.raw', 'denied'],
    ['json:{"driver":"file","filename":"/etc/passwd"}', 'denied'],
    ['nbd://127.0.0.1/x', 'denied'],
    ['', 'denied'],
    ['image.raw', 'denied'],
    ['missing.raw', 'io'],
  ])('does not open "%s"', async (name, kind) => {
    const { ending } = await bench.run('test.reference', { name, from: 0 }, { jails });
    expect(ending).toMatchObject({ kind: 'error', facts: { kind } });
  });
});

describe('the document of a result', () => {
  test('is not written once the caller has stopped the attempt', async () => {
    const stop = new AbortController();
    const { ending } = await bench.run('test.sleep', null, {
      output: { format: 'json', destination: 'late.json' },
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(ending).toEqual({ kind: 'stopped' });
    expect(readdirSync(bench.results)).toEqual([]);
  });

  test('is not written by an attempt that was overtaken, nor is anything left of it', async () => {
    const output = { format: 'json', destination: 'overtaken.json' } as const;
    const { ending } = await bench.run('test.return', { a: 1 }, { output, mayPublish: async () => false });
    expect(ending).toEqual({ kind: 'overtaken' });
    expect(readdirSync(bench.results)).toEqual([]);
  });

  test('is not written when the attempt is stopped while nobody can say whether it may be', async () => {
    const stop = new AbortController();
    const output = { format: 'json', destination: 'unanswered.json' } as const;
    const mayPublish = () => {
      stop.abort();
      return new Promise<boolean>(() => undefined);
    };
    const { ending } = await bench.run('test.return', { a: 1 }, { output, mayPublish, signal: stop.signal });
    expect(ending).toEqual({ kind: 'stopped' });
    expect(readdirSync(bench.results)).toEqual([]);
  });

  test.skipIf(!mayMount)('is told apart when there is no space for it', async ({ onTestFinished }) => {
    const full = mkdtempSync(path.join(bench.folder, 'full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'guestkit-test', full]);
    onTestFinished(() => void execFileSync('umount', [full]));
    await using jails = await bench.startPool({ outputRoots: [full] });
    const output = { format: 'json', destination: 'large.json' } as const;
    const { ending } = await bench.run('test.return', { text: 'x'.repeat(2 ** 20) }, { jails, output });
    expect(ending).toMatchObject({
      ...{ kind: 'refused', code: 'NO_SPACE', message: 'Cannot write "large.json": ENOSPC' },
    });
    expect(readdirSync(full)).toEqual([]);
  });

  test('does not replace an image that is read', async () => {
    await using jails = await bench.startPool({ outputRoots: [bench.images] });
    const output = { format: 'json', destination: bench.image } as const;
    const { ending } = await bench.run('test.return', {}, { jails, output });
    expect(ending).toMatchObject({ kind: 'refused', code: 'PATH_DENIED' });
    expect(readFileSync(bench.image).equals(IMAGE_BYTES)).toBe(true);
  });
});

function runOn(request: ImageRequest): Promise<JailReport> {
  return bench.run('test.return', null, { images: [request] });
}
