import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { makeGuestImage } from '../testing/guest-image.ts';
import { openBench, type WorkerBench } from '../testing/worker-bench.ts';
import type { RunningWorker } from '../worker.ts';

let bench: WorkerBench;
let worker: RunningWorker;
let image: string;
const HOUR_MS = 3600 * 1000;

beforeAll(async () => {
  bench = await openBench();
  image = makeGuestImage(bench.folder);
  worker = await bench.startWorker({ cacheHours: 1, references: 'same-directory' });
  await settled(image);
});
afterAll(() => bench?.[Symbol.asyncDispose]());

/** The ctime of a file cannot be set: waits until it is old enough for the cache. */
async function settled(file: string): Promise<void> {
  const { ctimeMs } = statSync(file);
  await until('the image has settled', () => Date.now() - ctimeMs > 2100);
}

/** Inspects the image, and waits until what came of it is cached. */
async function inspect(data: object = {}, execution: object = {}) {
  const before = entries().length;
  const payload = { image: { path: image, format: 'qcow2' }, ...data };
  const id = await bench.submit('guestkit.inspect', payload, { execution });
  return { id, before, result: await bench.resultOf(id) };
}

function entries(): readonly string[] {
  const folder = path.join(bench.folder, 'artifacts', 'cache');
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}$/.test(name));
  } catch {
    return [];
  }
}

async function inspectAndCache(data: object = {}, execution: object = {}) {
  const done = await inspect(data, execution);
  await until('the result is cached', () => entries().length > done.before);
  return done;
}

async function outcomes(): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${worker.metricsUrl}/metrics`)).text();
  const lines = text.matchAll(/guestkit_worker_result_cache_total\{outcome="(\w+)"\} (\d+)/g);
  return Object.fromEntries([...lines].map(([, outcome, count]) => [outcome, Number(count)]));
}

describe('the result cache', () => {
  test('answers again for an image that has not changed, and says from which job', async () => {
    const first = await inspectAndCache({ options: { include_users: false } });
    const { result } = await inspect({ options: { include_users: false } });
    expect(first.result.execution_summary).not.toHaveProperty('cached');
    expect(result.execution_summary.cached).toEqual({ from_job: first.id, age_seconds: expect.any(Number) });
    expect(result.data).toEqual(first.result.data);
    expect(result.metrics?.disk_read_bytes ?? 0).toBe(0);
    expect(await outcomes()).toMatchObject({ hit: 1 });
  });

  test('keeps apart what was asked with other options', async () => {
    await inspectAndCache({ options: { include_network: false } });
    const { result } = await inspectAndCache({ options: { include_security: false } });
    expect(result.execution_summary).not.toHaveProperty('cached');
  });

  test('runs again when the job asks for it, and caches that unless it asks not to', async () => {
    const options = { include_storage: false };
    const first = await inspectAndCache({ options });
    const off = await inspect({ options }, { cache: 'off' });
    expect(off.result.execution_summary).not.toHaveProperty('cached');
    const refreshed = await inspect({ options }, { cache: 'refresh' });
    expect(refreshed.result.execution_summary).not.toHaveProperty('cached');
    await until('the newer result is answered', async () => {
      const { result } = await inspect({ options }, { cache: 'use' });
      expect([first.id, refreshed.id]).toContain(result.execution_summary.cached?.from_job);
      return result.execution_summary.cached?.from_job === refreshed.id;
    });
  });

  test('writes the output of a job also when the result is known', async () => {
    const options = { include_services: false };
    await inspectAndCache({ options });
    const destination = path.join(bench.folder, 'results', 'known.json');
    const { result } = await inspect({ options, output: { format: 'json', destination } });
    expect(result.execution_summary.cached).toBeDefined();
    expect(result).toMatchObject({ outputs: { primary: destination }, data: { output_file: destination } });
    const written = JSON.parse(readFileSync(destination, 'utf8'));
    expect(written).toEqual((result.data as { inspect: object }).inspect);
  });

  test('does not believe an entry that is damaged', async () => {
    const options = { include_packages: false };
    await inspectAndCache({ options });
    for (const entry of entries()) writeFileSync(path.join(bench.folder, 'artifacts', 'cache', entry), 'damaged');
    const { result } = await inspect({ options });
    expect(result).toMatchObject({ status: 'completed' });
    expect(result.execution_summary).not.toHaveProperty('cached');
    expect(await outcomes()).toMatchObject({ fault: 1 });
  });

  test('runs again when a file that the image names has changed, and when the image has', async () => {
    const backing = path.join(bench.folder, 'backing.qcow2');
    const overlay = path.join(bench.folder, 'overlay.qcow2');
    execFileSync('cp', [image, backing]);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'backing.qcow2', overlay]);
    await settled(overlay);
    const chain = { image: { path: overlay, format: 'qcow2' } };
    const first = await inspectAndCache(chain);
    expect((await inspect(chain)).result.execution_summary.cached).toMatchObject({ from_job: first.id });
    // the same bytes, but nobody can know
    utimesSync(backing, new Date(), new Date(Date.now() - HOUR_MS));
    expect((await inspect(chain)).result.execution_summary).not.toHaveProperty('cached');
    await settled(backing);
    await inspect(chain);
    await until(
      'the chain is cached anew',
      async () => (await inspect(chain)).result.execution_summary.cached !== undefined,
    );
    // another file under the same name
    execFileSync('cp', [overlay, `${overlay}.new`]);
    renameSync(`${overlay}.new`, overlay);
    expect((await inspect(chain)).result.execution_summary).not.toHaveProperty('cached');
    expect((await outcomes()).changed).toBeGreaterThanOrEqual(2);
  });

  test('keeps nothing of an image that was written to just now', async () => {
    appendFileSync(image, Buffer.alloc(512));
    // however long this machine takes from here on
    const soon = new Date(Date.now() + HOUR_MS);
    utimesSync(image, soon, soon);
    const before = entries().length;
    await inspect({ options: { deep_scan: true } });
    const { result } = await inspect({ options: { deep_scan: true } });
    expect(result.execution_summary).not.toHaveProperty('cached');
    expect(entries()).toHaveLength(before);
  });
});
