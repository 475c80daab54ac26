import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { COMPRESSION_SIGNATURE_SIZE } from '@guestkit/disk/compression';
import type { Progress } from '@guestkit/operations/operation';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { IMAGE_BYTES, type JailBench, openJailBench } from '../testing/jail-bench.ts';

const HANGING_SEAT = new URL('../../../../test/support/hanging-seat.ts', import.meta.url);

let bench: JailBench;

beforeAll(async () => {
  bench = await openJailBench();
});

afterAll(() => bench?.[Symbol.asyncDispose]());

describe('JailPool', () => {
  test('returns what the operation returned, and what it used', async () => {
    const { ending, usage, imageBytesRead } = await bench.run('test.sum');
    expect(ending).toEqual({ kind: 'result', value: [IMAGE_BYTES.length] });
    // all of it once, and its head by whoever looks whether it is packed
    expect(imageBytesRead).toBe(IMAGE_BYTES.length + COMPRESSION_SIGNATURE_SIZE);
    expect(usage?.peakMemoryBytes).toBeGreaterThan(30 * 2 ** 20);
  });

  test('serves every attempt from a process of its own', async () => {
    const reports = await Promise.all(Array.from({ length: 6 }, (_, n) => bench.run('test.return', n)));
    expect(reports.map(({ ending }) => ending)).toEqual([0, 1, 2, 3, 4, 5].map((value) => ({ kind: 'result', value })));
  });

  test('reads any range of an image, whatever its size', async () => {
    const range = fc.record({ offset: fc.nat(IMAGE_BYTES.length), length: fc.nat(IMAGE_BYTES.length) });
    await fc.assert(
      fc.asyncProperty(range, async ({ offset, length }) => {
        const { ending } = await bench.run('test.read', { offset, length });
        expect(ending).toMatchObject(
          offset + length > IMAGE_BYTES.length
            ? { kind: 'error', facts: { kind: 'corrupt', offset } }
            : { kind: 'result', value: length },
        );
      }),
      { numRuns: 10 },
    );
  });

  test('tells the error of an operation as facts, fit for a terminal', async () => {
    const { ending } = await bench.run('test.corrupt');
    expect(ending).toEqual({
      kind: 'error',
      facts: {
        name: 'DiskError',
        kind: 'corrupt',
        message: 'Cannot read \\x1b[31mL1',
        format: 'qcow2',
        offset: 0x28,
        path: '/etc',
      },
    });
  });

  test('passes progress on in order', async () => {
    const steps: Progress[] = [];
    await bench.run('test.steps', 3, { onProgress: (step) => steps.push(step) });
    expect(steps.map(({ message }) => message)).toEqual(['Opening the image', 'Step 1', 'Step 2', 'Step 3']);
  });

  test('refuses to start when the module of runners does not load', async () => {
    await expect(bench.startPool({ runnersModule: path.join(bench.folder, 'absent.ts') })).rejects.toThrow('absent.ts');
  });
});

describe('an attempt that goes wrong', () => {
  test.each([
    ['test.abort', { kind: 'died', reason: 'SIGABRT', outOfMemory: false }],
    ['test.exit', { kind: 'died', reason: 'exit code 3', outOfMemory: false }],
    ['test.unknown', { kind: 'error', facts: { message: expect.stringContaining('no runner') } }],
  ])('%s ends alone', async (operation, ending) => {
    expect((await bench.run(operation)).ending).toMatchObject(ending);
    expect((await bench.run('test.return', 'alive')).ending).toEqual({ kind: 'result', value: 'alive' });
  });

  test.each(['test.hog-buffers', 'test.hog-heap'])('%s runs out of its own memory', async (operation) => {
    const { ending, usage } = await bench.run(operation, null, { timeoutMs: 60_000 });
    expect(ending).toMatchObject({ kind: 'died', outOfMemory: true });
    expect(usage?.peakMemoryBytes).toBeLessThan(600 * 2 ** 20);
  });

  test.each(['test.spin', 'test.sleep'])('%s is ended by its timeout, process and all', async (operation) => {
    const before = jailPids();
    const { ending } = await bench.run(operation, null, { timeoutMs: 300 });
    expect(ending).toEqual({ kind: 'timeout' });
    await vi.waitFor(() => expect(jailPids().filter((pid) => before.includes(pid)).length).toBeLessThan(before.length));
  });

  test.each(['test.spin', 'test.sleep'])('%s is ended when it gives no sign of life', async (operation) => {
    expect((await bench.run(operation, null, { silenceMs: 300 })).ending).toEqual({
      kind: 'heartbeat-lost',
      seconds: 0.3,
    });
  });

  test('is ended when it makes no progress, though it gives signs of life', async () => {
    const { ending } = await bench.run('test.until-changed', null, { silenceMs: 300, progressMs: 600 });
    expect(ending).toEqual({ kind: 'no-progress', seconds: 0.6 });
  });

  test('goes on for as long as it reads and tells progress', async () => {
    const { ending } = await bench.run('test.read-slowly', null, { silenceMs: 400, progressMs: 400 });
    expect(ending).toEqual({ kind: 'result', value: 'read' });
  });

  test('is ended when its caller says so', async () => {
    const stop = new AbortController();
    const { ending } = await bench.run('test.spin', null, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(ending).toEqual({ kind: 'stopped' });
  });

  test('killed from outside is a death like others', async () => {
    const { pid, report } = await bench.startSpinning();
    process.kill(pid, 'SIGKILL');
    expect((await report).ending).toMatchObject({ kind: 'died', reason: 'SIGKILL', outOfMemory: false });
  });

  test('does not come to a jail that died while it waited', async () => {
    await using jails = await bench.startPool();
    const dead = jailPids();
    for (const pid of dead) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(jailPids().filter((pid) => !dead.includes(pid))).toHaveLength(dead.length), 10_000);
    expect((await bench.run('test.return', 'alive', { jails })).ending).toEqual({ kind: 'result', value: 'alive' });
  });

  test('does not wait for a thread that hangs', async () => {
    await using jails = await bench.startPool({ server: HANGING_SEAT, killGraceMs: 50 });
    const { ending } = await bench.run('test.return', null, { jails, timeoutMs: 50 });
    expect(ending).toEqual({ kind: 'timeout' });
  });
});

function jailPids(): number[] {
  const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
  return children
    .split('\n')
    .filter((line) => line.includes('jail/main.ts'))
    .map((line) => Number.parseInt(line, 10));
}
