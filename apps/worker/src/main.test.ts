import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/support/condition.ts';
import { startRedis, type TestRedis } from '../../../test/support/redis-server.ts';

const MAIN = path.join(import.meta.dirname, 'main.ts');
const SPINNING_POOL = path.join(import.meta.dirname, '../../../test/support/spinning-pool.ts');

let redis: TestRedis;
let folder: string;

beforeAll(async () => {
  redis = await startRedis();
  folder = await mkdtemp(path.join(tmpdir(), 'guestkit-worker-main-'));
});

afterAll(async () => {
  await redis?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the process of a worker', () => {
  test('ends with 0 when it is asked to stop', async () => {
    const worker = launch(MAIN, ['--metrics-port', '0', '--slots', '1']);
    await until('the worker to claim', () => worker.written().includes('claiming'));
    worker.child.kill('SIGTERM');
    expect(await once(worker.child, 'exit')).toEqual([0, null]);
    expect(worker.written()).toContain('worker has stopped');
  });

  test('ends with 2, and says why, when its configuration is wrong', async () => {
    const worker = launch(MAIN, ['--slotz', '2']);
    expect(await once(worker.child, 'exit')).toEqual([2, null]);
    expect(worker.written()).toMatch(/^guestkit-worker: .*slotz.*slots/s);
  });

  test('ends when asked to stop while it still starts, and Redis hangs', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const worker = launch(MAIN, ['--metrics-port', '0', '--slots', '1']);
      await until('the worker to start', () => worker.written().includes('worker is starting'));
      worker.child.kill('SIGTERM');
      expect(await once(worker.child, 'exit')).toEqual([1, null]);
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
  });

  test('ends with 1 when its metrics cannot be served', async () => {
    const worker = launch(MAIN, ['--metrics-host', '192.0.2.1', '--slots', '1']);
    expect(await once(worker.child, 'exit')).toEqual([1, null]);
    expect(worker.written()).toContain('Cannot serve metrics on 192.0.2.1');
  });
});

test.skipIf(process.platform !== 'linux')(
  'a jail that spins ends with its supervisor, and the next one tidies up',
  async () => {
    const supervisor = launch(SPINNING_POOL, []);
    await until('the jail to spin', () => /^\d+$/.test(supervisor.written()));
    const jail = `/proc/${supervisor.written()}`;
    expect(existsSync(jail)).toBe(true);
    supervisor.child.kill('SIGKILL');
    await until('the jail to end', () => !existsSync(jail));
    const leftOver = `guestkit-compiled-${supervisor.child.pid}-`;
    expect(leftOversLike(leftOver)).toHaveLength(1);
    const next = launch(SPINNING_POOL, []);
    await until('the next to spin', () => /^\d+$/.test(next.written()));
    expect(leftOversLike(leftOver)).toEqual([]);
    next.child.kill('SIGKILL');
  },
);

function leftOversLike(prefix: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(prefix));
}

function launch(
  file: string,
  flags: readonly string[],
): { readonly child: ChildProcess; readonly written: () => string } {
  // a folder for temporary files of their own: other workers on this machine tidy up in the common one
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, REDIS_URL: redis.url, TMPDIR: folder };
  const child = spawn(process.execPath, [file, ...flags], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => written.push(text.toString()));
  return { child, written: () => written.join('') };
}
