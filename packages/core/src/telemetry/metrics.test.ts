import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createApiMetrics } from './api-metrics.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

const api = createApiMetrics();
const worker = createWorkerMetrics({ heartbeatAgeSeconds: () => 1.5 });

interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: string;
  readonly place: string;
}

describe('docs/metrics.md', () => {
  test('lists every metric of worker and API with type, labels and place, and no other', async () => {
    const [ofApi, ofWorker] = [await rowsOf(api.registry, 'API'), await rowsOf(worker.registry, 'worker')];
    const shared = ofApi.filter(({ name }) => ofWorker.some((row) => row.name === name)).map(({ name }) => name);
    const rows = [...ofApi.map((row) => (shared.includes(row.name) ? { ...row, place: 'both' } : row)), ...ofWorker];
    const expected = rows.filter(({ name, place }) => place !== 'worker' || !shared.includes(name));
    expect(documentedRows().toSorted(byName)).toEqual(expected.toSorted(byName));
  });
});

describe('metrics', () => {
  test('number at least thirteen', () => {
    expect(documentedRows().length).toBeGreaterThanOrEqual(13);
  });

  test('of two workers in one process do not meet', async () => {
    const other = createWorkerMetrics({ heartbeatAgeSeconds: () => 0 });
    other.slots.set(7);
    worker.slots.set(3);
    expect(await readingOf(other.registry, 'guestkit_worker_slots')).toBe(7);
    expect(await readingOf(worker.registry, 'guestkit_worker_slots')).toBe(3);
  });

  test('put durations in buckets from 5 ms to 1 h', async () => {
    worker.jobDuration.observe({ operation: 'system.echo', status: 'completed' }, 0.004);
    const text = await worker.registry.getSingleMetricAsString('guestkit_worker_jobs_duration_seconds');
    expect(text).toContain('le="0.005",operation="system.echo",status="completed"} 1');
    expect(text).toContain('le="3600"');
  });

  test('include those of the process', async () => {
    expect(await worker.registry.metrics()).toContain('process_cpu_seconds_total');
  });

  test('read the age of the heartbeat at every scrape', async () => {
    let age = 1;
    const { registry } = createWorkerMetrics({ heartbeatAgeSeconds: () => age });
    expect(await readingOf(registry, 'guestkit_worker_heartbeat_age_seconds')).toBe(1);
    age = 2;
    expect(await readingOf(registry, 'guestkit_worker_heartbeat_age_seconds')).toBe(2);
  });

  test('show a blocked event loop, until the next scrape', async () => {
    const { registry } = createApiMetrics();
    while ((await lagOfBlockedLoop(registry)) < 0.15);
    expect(await readingOf(registry, 'guestkit_event_loop_lag_seconds')).toBeLessThan(0.15);
  });
});

async function lagOfBlockedLoop(registry: Registry): Promise<number> {
  // the monitor counts from one tick of its own to the next
  await new Promise((later) => setTimeout(later, 20));
  const end = performance.now() + 200;
  while (performance.now() < end);
  await new Promise((later) => setTimeout(later, 20));
  return readingOf(registry, 'guestkit_event_loop_lag_seconds');
}

async function readingOf(registry: Registry, name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values[0]?.value ?? Number.NaN;
}

/** Our own metrics; those of the process are prom-client's to describe. */
async function rowsOf(registry: Registry, place: string): Promise<readonly Row[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics
    .filter(({ name }) => name.startsWith('guestkit_'))
    .map(({ name, type }) => ({ name, type: String(type), labels: labelsOf(registry, name), place }));
}

function labelsOf(registry: Registry, name: string): string {
  const labels: unknown = Reflect.get(registry.getSingleMetric(name) ?? {}, 'labelNames');
  return Array.isArray(labels) ? labels.map((label) => `\`${label}\``).join(' ') : 'unknown';
}

function documentedRows(): readonly Row[] {
  const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/metrics.md'), 'utf8');
  const lines = [...page.matchAll(/^\| `(guestkit_\w+)` \| (\w+) \| (.*?) ?\| (\w+) \|/gm)];
  return lines.map(([, name = '', type = '', labels = '', place = '']) => ({ name, type, labels, place }));
}

function byName(a: Row, b: Row): number {
  return a.name < b.name ? -1 : 1;
}
