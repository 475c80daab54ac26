import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { artifactKey } from '@guestkit/core/artifact/artifact-key';
import { cacheKey } from '@guestkit/core/artifact/cache-key';
import { openFileStore } from '@guestkit/core/artifact/file-store';
import { keepArtifact } from '@guestkit/core/artifact/keep-artifact';
import { readApiConfig } from '@guestkit/core/config/api-config';
import { openSqliteHistory } from '@guestkit/core/history/sqlite/open';
import { createApiMetrics } from '@guestkit/core/telemetry/api-metrics';
import { expect, onTestFinished, test } from 'vitest';
import { jobDocument } from '../../../test/support/job.ts';
import { attemptEvents } from '../../../test/support/job-events.ts';
import { artifactSweepDuty } from './artifact-sweep.ts';

const HOUR_MS = 3600 * 1000;

test('the sweep removes what belongs to no job once it is old, and nothing else', async () => {
  const { store, history, sweepAt, keep } = await setUp();
  const owned = await keep('a1');
  const orphan = await keep('b2');
  await history.accept({ tenant: 'acme', pool: 'default', document: jobDocument(), acceptedAtMs: 0 });
  await history.record([attemptEvents().finished({ data_artifact: owned })]);

  await sweepAt(Date.now() + 23 * HOUR_MS);
  expect(await store.stat(orphan.key)).toBeDefined();
  await sweepAt(Date.now() + 25 * HOUR_MS);
  expect(await store.stat(orphan.key)).toBeUndefined();
  expect(await store.stat(owned.key)).toBeDefined();
});

test('the sweep removes what was cached a week ago', async () => {
  const { store, sweepAt } = await setUp();
  const key = cacheKey({ tenant: 'acme', operation: 'guestkit.inspect', version: '1' });
  await store.put(key, Buffer.from('entry'));
  await sweepAt(Date.now() + 167 * HOUR_MS);
  expect(await store.stat(key)).toBeDefined();
  await sweepAt(Date.now() + 169 * HOUR_MS);
  expect(await store.stat(key)).toBeUndefined();
});

async function setUp() {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-sweep-'));
  const store = await openFileStore(path.join(folder, 'artifacts'));
  const history = await openSqliteHistory({ file: path.join(folder, 'history.sqlite') });
  onTestFinished(async () => {
    await history[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const config = readApiConfig({ argv: [], env: {} });
  const metrics = createApiMetrics();
  const sweepAt = (nowMs: number) =>
    artifactSweepDuty({ config, history, artifacts: store, metrics, clock: () => nowMs }).run(
      new AbortController().signal,
    );
  const keep = (token: string) => {
    const owner = { tenant: 'acme', jobId: 'job-test-0001', attempt: 1, token };
    const named = {
      name: 'result-data.json',
      key: artifactKey(owner, 'result-data.json'),
      media_type: 'application/json',
    };
    return keepArtifact(store, named, Buffer.from(token));
  };
  return { store, history, sweepAt, keep };
}
