import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { IMAGE_FORMAT_NAMES } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { until } from '../../../test/support/condition.ts';
import { makeGuestImage } from './testing/guest-image.ts';
import { MISBEHAVING_REPERTOIRE, openBench, QUEUE, type WorkerBench } from './testing/worker-bench.ts';
import type { RunningWorker } from './worker.ts';

let bench: WorkerBench;
let worker: RunningWorker;
let image: string;

beforeAll(async () => {
  bench = await openBench();
  image = makeGuestImage(bench.folder);
  worker = await bench.startWorker({ workerId: 'worker-a', labels: { zone: 'a' } });
});

afterAll(() => bench?.[Symbol.asyncDispose]());

describe('a worker', () => {
  test('runs an echo and tells its life in order', async () => {
    const id = await bench.submit('system.echo', { ping: 1 }, { observability: { correlation_id: 'c-1' } });
    const result = await bench.resultOf(id);
    expect(result).toMatchObject({
      job_id: id,
      worker_id: 'worker-a',
      status: 'completed',
      completed_at: expect.any(String),
      execution_summary: { attempt: 1, duration_seconds: 0, started_at: expect.any(String) },
      observability: { correlation_id: 'c-1' },
      data: { echo: { ping: 1 } },
    });
    expect(bench.eventsOf(id).map(({ type }) => type)).toEqual([
      'assigned',
      'running',
      'progress',
      'progress',
      'progress',
      'finished',
    ]);
  });

  test('inspects a guest in a jail, and says what that cost', async () => {
    const id = await bench.submit('guestkit.inspect', { image: { path: image, format: 'qcow2' } });
    const result = await bench.resultOf(id);
    expect(result).toMatchObject({
      status: 'completed',
      data: { inspect: { operating_system: { distribution: 'debian', hostname: 'small-guest' } } },
      metrics: { disk_write_bytes: 0, cpu_seconds: expect.any(Number) },
    });
    const { disk_read_bytes = 0, peak_memory_mb = 0 } = result.metrics ?? {};
    expect(disk_read_bytes).toBeGreaterThan(4096);
    expect(peak_memory_mb).toBeGreaterThan(30);
    const phases = bench.eventsOf(id).flatMap((event) => (event.type === 'progress' ? [event.phase] : []));
    expect(phases).toEqual(['validation', 'inspection', 'analysis', 'complete']);
  });

  test.each([
    ['json', undefined, (bytes: Buffer) => JSON.parse(bytes.toString())],
    ['yaml', 'gzip', (bytes: Buffer) => parse(gunzipSync(bytes).toString())],
  ])('writes the document of a result as %s, compressed with %s', async (format, compression, read) => {
    const destination = `deep/${format}/guest.out`;
    const id = await bench.submit('guestkit.inspect', {
      image: { path: image, format: 'qcow2', checksum: sha256Of(image) },
      output: { format, destination, compression },
    });
    const { outputs, data, metrics } = await bench.resultOf(id);
    const folder = path.join(bench.folder, 'results', 'deep', format);
    const bytes = readFileSync(path.join(folder, 'guest.out'));
    expect(outputs).toEqual({ primary: destination });
    expect(data).toMatchObject({ output_file: destination });
    expect(metrics?.disk_write_bytes).toBe(bytes.length);
    expect(read(bytes)).toEqual((data as { inspect: unknown }).inspect);
    expect(readdirSync(folder)).toEqual(['guest.out']);
  });

  test.each([
    ['outside the roots', '/etc/guestkit-test.json', 'PATH_DENIED'],
    ['over a folder', 'deep', 'OUTPUT_FAILED'],
  ])('writes no result %s', async (_, destination, code) => {
    const output = { format: 'json', destination };
    const id = await bench.submit('guestkit.inspect', { image: { path: image, format: 'qcow2' }, output });
    expect(await bench.resultOf(id)).toMatchObject({ status: 'failed', error: { code } });
  });

  test.each([
    [
      'an operation that nobody has',
      'guestkit.unheard-of',
      {},
      'VALIDATION_ERROR',
      'Unsupported operation: guestkit.unheard-of',
    ],
    [
      'a payload without an image',
      'guestkit.inspect',
      {},
      'VALIDATION_ERROR',
      /^Invalid field value: payload.data.image - /,
    ],
    [
      'a path outside the roots',
      'guestkit.inspect',
      { image: { path: '/etc/passwd', format: 'raw' } },
      'PATH_DENIED',
      /passwd/,
    ],
    [
      'a missing image',
      'guestkit.inspect',
      { image: { path: 'none.raw', format: 'raw' } },
      'IMAGE_NOT_FOUND',
      /none.raw/,
    ],
  ])('fails %s', async (_, operation, data, code, message) => {
    const result = await bench.resultOf(await bench.submit(operation, data));
    expect(result).toMatchObject({
      status: 'failed',
      error: { code, message: expect.stringMatching(message), recoverable: false },
      failed_at: expect.any(String),
    });
  });

  test('tells that an image is not of the format that the payload claims', async () => {
    const id = await bench.submit('guestkit.inspect', { image: { path: image, format: 'raw' } });
    expect((await bench.resultOf(id)).error).toMatchObject({
      code: 'IMAGE_FORMAT_MISMATCH',
      phase: 'execution',
      details: { kind: 'mismatch', format: 'qcow2', offset: 0 },
      retry_recommended: false,
    });
  });

  test('reads a raw disk whose guest made it look like a qcow2 when the payload says so, and not otherwise', async () => {
    const disk = readFileSync(path.join(bench.folder, 'guest.raw'));
    disk.write('QFI\xfb\0\0\0\x03', 0, 'latin1');
    const raw = { path: path.join(bench.folder, 'disguised.raw'), format: 'raw' };
    writeFileSync(raw.path, disk);
    const run = async (override: object) =>
      bench.resultOf(await bench.submit('guestkit.inspect', { image: { ...raw, ...override } }));
    expect(await run({})).toMatchObject({ status: 'failed', error: { code: 'IMAGE_FORMAT_MISMATCH' } });
    expect(await run({ allow_format_override: true })).toMatchObject({
      status: 'completed',
      data: {
        inspect: {
          image: { format: 'raw', format_override: 'qcow2', raw_by_elimination: false },
          operating_system: { hostname: 'small-guest' },
          warnings: expect.arrayContaining([expect.stringContaining('format override: content matches qcow2')]),
        },
      },
    });
    expect(await run({ format: 'img', allow_format_override: true })).toMatchObject({
      error: { code: 'VALIDATION_ERROR', details: { field: 'payload.data.image.allow_format_override' } },
    });
  });

  test('says that an image was taken for raw by elimination', async () => {
    const image = { path: path.join(bench.folder, 'guest.raw'), format: 'img' };
    expect(await bench.resultOf(await bench.submit('guestkit.inspect', { image }))).toMatchObject({
      data: { inspect: { image: { format: 'raw', raw_by_elimination: true, format_override: null } } },
    });
  });

  test('tells where an image is damaged', async () => {
    const result = await bench.resultOf(await bench.submit('test.corrupt', null));
    expect(result.error).toMatchObject({
      code: 'IMAGE_CORRUPT',
      phase: 'execution',
      details: { kind: 'corrupt', format: 'qcow2', offset: 0x28 },
      retry_recommended: false,
    });
  });

  test.each([
    ['test.abort', 'ATTEMPT_CRASHED'],
    ['test.hog-buffers', 'OUT_OF_MEMORY'],
  ])('outlives %s', async (operation, code) => {
    expect((await bench.resultOf(await bench.submit(operation, null))).error).toMatchObject({ code });
    expect(await bench.resultOf(await bench.submit('test.return', 1))).toMatchObject({ status: 'completed', data: 1 });
  });

  test('tries again while attempts are left, and then no more', async () => {
    const id = await bench.submit('test.abort', null, { execution: { max_attempts: 2 } });
    const result = await bench.resultOf(id);
    expect(result).toMatchObject({ status: 'failed', execution_summary: { attempt: 2 } });
    const events = bench.eventsOf(id).filter(({ type }) => type === 'released' || type === 'finished');
    expect(events).toMatchObject([
      { type: 'released', reason: 'retry', attempt: 1, error: { code: 'ATTEMPT_CRASHED' } },
      { type: 'finished', attempt: 2 },
    ]);
  });

  test.each([
    ['timeout_seconds', { timeout_seconds: 1 }, 'TIMEOUT'],
    ['a timeout of 0', { timeout_seconds: 0 }, 'TIMEOUT'],
    ['a deadline that passed', { deadline: '2020-01-01T00:00:00Z' }, 'DEADLINE_EXCEEDED'],
  ])('ends a job by %s', async (_, execution, code) => {
    const id = await bench.submit('test.spin', null, { execution });
    expect(await bench.resultOf(id)).toMatchObject({ status: 'timeout', error: { code } });
  });

  test('ends a job by a deadline that comes before its timeout', async () => {
    const deadline = new Date(Date.now() + 1500).toISOString();
    const id = await bench.submit('test.spin', null, { execution: { deadline } });
    expect(await bench.resultOf(id)).toMatchObject({ status: 'timeout', error: { code: 'DEADLINE_EXCEEDED' } });
  });

  test('announces what it offers', async () => {
    const [entry] = await bench.registry.list();
    expect(entry).toMatchObject({
      worker_id: 'worker-a',
      version: '0.1.0',
      capabilities: { disk_formats: IMAGE_FORMAT_NAMES },
      resources: { max_concurrent_jobs: 2 },
      configuration: { worker_pool: 'default', labels: { zone: 'a' }, privileged: false },
      status: { state: 'ready' },
    });
    expect(entry?.capabilities.operations).toContain('guestkit.inspect');
    expect(entry?.capabilities.features).toEqual(expect.arrayContaining(['ext4', 'gpt', 'qemu-img']));
    expect(entry?.resources.available_disk_gb).toBeGreaterThan(0);
  });

  test('measures what it does', async () => {
    const text = await (await fetch(`${worker.metricsUrl}/metrics`)).text();
    const silent = [...text.matchAll(/^# TYPE (guestkit_\w+) (?:counter|histogram)$/gm)]
      .map(([, name = '']) => name)
      // only what has gone wrong counts; and the cache is off
      .filter((name) => !/_(?:consumer_replacements|result_cache|remote_bytes|remote_requests)_total$/.test(name))
      .filter((name) => !new RegExp(`^${name}(?:_count)?(?:\\{.*\\})? (?!0$)`, 'm').test(text));
    expect(silent).toEqual([]);
    expect(text).toMatch(/^guestkit_worker_jobs_total\{operation="unknown",status="failed"\} 1$/m);
    expect(text).toMatch(/^guestkit_checksum_verifications_total\{status="success"\} 2$/m);
    expect(text).toMatch(/^guestkit_worker_slots 2$/m);
    // on a busy machine a heartbeat may be late, and made up for
    const health = async () => (await fetch(`${worker.metricsUrl}/health`)).text();
    await until('the worker to be healthy', async () => (await health()).includes('"healthy"'));
  });
});

describe('workers side by side', () => {
  test('leave a job to the one that may run it', async () => {
    await bench.startWorker({ workerId: 'worker-b', labels: { zone: 'b' } }, MISBEHAVING_REPERTOIRE);
    const demands = [{ routing: { affinity: { zone: 'b' } } }, { routing: { anti_affinity: { zone: ['a'] } } }];
    const ids = await Promise.all(demands.map((members) => bench.submit('system.echo', 1, members)));
    const results = await Promise.all(ids.map((id) => bench.resultOf(id)));
    expect(results.map(({ worker_id }) => worker_id)).toEqual(['worker-b', 'worker-b']);
    expect(results.map(({ execution_summary }) => execution_summary.attempt)).toEqual([1, 1]);
  }, 120_000);

  test('take over what one gives back when it stops', async () => {
    const leaving = await bench.startWorker({ workerId: 'worker-c', labels: { zone: 'c' } }, MISBEHAVING_REPERTOIRE);
    const id = await bench.submit('test.spin', null, {
      execution: { timeout_seconds: 3 },
      routing: { anti_affinity: { zone: ['a', 'b'] } },
    });
    const isRunning = () => bench.eventsOf(id).some(({ type }) => type === 'running');
    await until('the attempt to begin', isRunning, { timeoutMs: 90_000 });
    await leaving.stop();
    await until('the attempt to be given back', () =>
      bench.eventsOf(id).some((event) => event.type === 'released' && event.reason === 'drain'),
    );
    expect((await bench.registry.list()).map(({ worker_id }) => worker_id)).not.toContain('worker-c');
    await bench.startWorker({ workerId: 'worker-d' }, MISBEHAVING_REPERTOIRE);
    expect(await bench.resultOf(id)).toMatchObject({
      worker_id: 'worker-d',
      status: 'timeout',
      execution_summary: { attempt: 2 },
    });
  }, 120_000);
});

test('of three idle workers, the one that a job is bound to runs it', async () => {
  await using own = await openBench();
  for (const n of [1, 2, 3]) await own.startWorker({ workerId: `worker-${n}`, slots: 1 }, MISBEHAVING_REPERTOIRE);
  for (let round = 0; round < 5; round += 1) {
    const workerId = `worker-${(round % 3) + 1}`;
    const id = await own.submit('system.echo', 1, { routing: { worker_id: workerId } });
    expect(await own.resultOf(id)).toMatchObject({ worker_id: workerId });
  }
}, 120_000);

test('a worker that cannot wait for jobs begins to claim anew', async () => {
  await using own = await openBench();
  const lone = await own.startWorker({ stuckMs: 500 }, MISBEHAVING_REPERTOIRE);
  await using client = await connectRedis(own.redis.url, { role: 'client' });
  // whoever waits is told that it must not, and BullMQ's loop goes on without looking for jobs
  await client.client.acl('SETUSER', 'default', '-bzpopmin');
  const metric = async () => (await fetch(`${lone.metricsUrl}/metrics`)).text();
  await until('the wait that was under way to be over', async () => {
    const { cmdstat_bzpopmin = '' } = Object.fromEntries(statsOf(await client.client.info('commandstats')));
    return /rejected_calls=[1-9]/.test(cmdstat_bzpopmin);
  });
  const id = await own.submit('system.echo', 1);
  expect(await own.resultOf(id)).toMatchObject({ status: 'completed' });
  expect(await metric()).toMatch(/^guestkit_worker_consumer_replacements_total [1-9]/m);
}, 60_000);

test('a worker without Redis is unhealthy, and well again when Redis is back', async () => {
  await using own = await openBench();
  const lone = await own.startWorker({}, MISBEHAVING_REPERTOIRE);
  await own.redis.kill();
  const status = async () => (await fetch(`${lone.metricsUrl}/health`)).status;
  await until('the worker to notice', async () => (await status()) === 503);
  await own.redis.restart();
  await until('the worker to recover', async () => (await status()) === 200);
  const id = await own.submit('system.echo', 1);
  expect(await own.resultOf(id)).toMatchObject({ status: 'completed' });
  expect((await own.queue.depth(QUEUE)).waiting).toBe(0);
});

function statsOf(info: string): readonly (readonly [string, string])[] {
  return info
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const);
}

function sha256Of(file: string): string {
  return `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
}
