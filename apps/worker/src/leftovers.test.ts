import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RedisCancelIntents } from '@guestkit/core/coordination/redis/cancel-intents';
import { connectRedis, type RedisConnection } from '@guestkit/core/coordination/redis/connection';
import { RedisFence } from '@guestkit/core/coordination/redis/fence';
import { attemptName, writerOf } from '@guestkit/core/job/writing-attempt';
import { temporaryName } from '@guestkit/core/security/temporary-name';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../../test/support/condition.ts';
import { jobDocument } from '../../../test/support/job.ts';
import { startRedis, type TestRedis } from '../../../test/support/redis-server.ts';
import { sweepLeftovers } from './leftovers.ts';
import { openBench, QUEUE } from './testing/worker-bench.ts';

let redis: TestRedis;
let connection: RedisConnection;
let folder: string;
let fence: RedisFence;
beforeAll(async () => {
  redis = await startRedis();
  connection = await connectRedis(redis.url, { role: 'client' });
});
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gk-leftovers-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  fence = new RedisFence({ connection, prefix: path.basename(folder) });
});
afterAll(async () => {
  await connection[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const claim = (jobId: string, attempt: number) => ({ tenant: 'acme', jobId, attempt, token: 'token-1' });

/** What an attempt that was killed, or is at work, has in a folder. */
function leave(where: string, given: ReturnType<typeof claim>): string {
  const name = temporaryName('answer.json', writerOf(given), attemptName(given));
  writeFileSync(path.join(where, name), 'half');
  return name;
}

/** Looks once through the folder, to its end: what lies in the last place to look is gone then. */
async function sweep(): Promise<readonly string[]> {
  const removed: string[] = [];
  const logger = { info: ({ file }: { readonly file: string }) => void removed.push(path.basename(file)) };
  const last = mkdtempSync(path.join(tmpdir(), 'gk-leftovers-last-'));
  onTestFinished(() => rmSync(last, { recursive: true, force: true }));
  await fence.close('acme', 'job-last-0001');
  const end = leave(last, claim('job-last-0001', 1));
  const options = { roots: [folder, path.join(folder, 'absent'), last], attempts: fence, everyMs: 60_000 };
  await using _sweeping = sweepLeftovers({ ...options, logger: logger as never, onError: fail });
  await until('the look to end', () => removed.includes(end));
  return removed.filter((name) => name !== end);
}

function fail(error: Error): never {
  throw error;
}

describe('sweepLeftovers', () => {
  test('removes what an attempt left whose job has ended without another one', async () => {
    await fence.raise(claim('job-ended-001', 1), 60_000);
    const name = leave(folder, claim('job-ended-001', 1));
    await fence.close('acme', 'job-ended-001');
    expect(await sweep()).toEqual([name]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('removes what an overtaken attempt left, in folders of any depth, and leaves alone what the newest writes', async () => {
    const deep = path.join(folder, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    await fence.raise(claim('job-again-001', 2), 60_000);
    const [old, newest] = [leave(deep, claim('job-again-001', 1)), leave(deep, claim('job-again-001', 2))];
    expect(await sweep()).toEqual([old]);
    expect(readdirSync(deep)).toEqual([newest]);
  });

  test('leaves alone what an attempt of another cluster writes, unless it is a day old', async () => {
    const young = leave(folder, claim('job-else-0001', 1));
    const old = leave(folder, claim('job-else-0002', 1));
    const dayAgo = Date.now() / 1000 - 25 * 3600;
    utimesSync(path.join(folder, old), dayAgo, dayAgo);
    expect(await sweep()).toEqual([old]);
    expect(readdirSync(folder)).toEqual([young]);
  });

  test('leaves alone an attempt of which a Redis that was rolled back knows only an earlier one', async () => {
    await fence.raise(claim('job-rolled-01', 1), 60_000);
    const name = leave(folder, claim('job-rolled-01', 2));
    expect(await sweep()).toEqual([]);
    expect(readdirSync(folder)).toEqual([name]);
  });

  test('leaves alone all other files, and does not follow links', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'gk-leftovers-outside-'));
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
    await fence.close('acme', 'job-ended-001');
    leave(outside, claim('job-ended-001', 1));
    symlinkSync(outside, path.join(folder, 'link'));
    const others = [
      'answer.json',
      '.hidden.tmp',
      temporaryName('answer.json'),
      temporaryName('answer.json', 'someone'),
    ];
    for (const name of others) writeFileSync(path.join(folder, name), 'theirs');
    expect(await sweep()).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['link', ...others].sort());
  });
});

test('a worker that starts removes what a killed one left of a job that was cancelled before another attempt', {
  timeout: 60_000,
}, async () => {
  await using bench = await openBench();
  await using client = await connectRedis(bench.redis.url, { role: 'client' });
  const shared = { connection: client, prefix: 'guestkit' };
  const first = { ...claim('job-killed-01', 1), tenant: QUEUE.tenant };
  await new RedisFence(shared).raise(first, 60_000);
  const results = path.join(bench.folder, 'results');
  mkdirSync(results);
  const name = leave(results, first);
  await new RedisCancelIntents(shared).tell([{ ...first, reason: 'not needed' }]);

  await bench.startWorker();
  const document = jobDocument({ job_id: first.jobId, operation: 'system.echo' });
  await bench.queue.enqueue({ ...QUEUE, document, acceptedAtMs: Date.now(), attemptsBefore: 1 });
  expect(await bench.resultOf(first.jobId)).toMatchObject({ status: 'cancelled' });
  expect(readdirSync(results)).toEqual([name]);
  await bench.startWorker({ workerId: 'worker-that-follows' });
  await until('it is removed', () => readdirSync(results).length === 0);
});
