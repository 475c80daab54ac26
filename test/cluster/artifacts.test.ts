import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';
import { S3_CREDENTIALS, s3Absent, startS3 } from '../support/s3-server.ts';

const MINUTES = 60_000;

describe.skipIf(s3Absent !== undefined)('a cluster whose artifacts are on S3', { timeout: 2 * MINUTES }, () => {
  const stack = new AsyncDisposableStack();
  let cluster: Cluster;
  beforeAll(async () => {
    const s3 = stack.use(await startS3());
    const settings = {
      ...S3_CREDENTIALS,
      GUESTKIT_ARTIFACTS: `s3://${await s3.newBucket()}/lab`,
      GUESTKIT_S3_ENDPOINT: s3.endpoint,
      GUESTKIT_S3_REGION: 'eu-central-1',
      GUESTKIT_S3_PATH_STYLE: 'true',
    };
    cluster = stack.use(
      await startCluster({ apiSettings: settings, workerSettings: { ...settings, GUESTKIT_SLOTS: '1' } }),
    );
  }, 3 * MINUTES);
  afterAll(() => stack.disposeAsync());

  test('gives a large result back whole, from the object that the worker stored', async () => {
    const [api] = cluster.apis;
    const text = 'guest '.repeat(50_000);
    const job = { job_id: 'job-large-01', operation: 'system.echo', payload: { data: { text } } };
    await api?.call('POST', '/api/v1/jobs', job);
    const path = '/api/v1/jobs/job-large-01';
    await until('the job to be completed', async () => {
      const { status } = (await api?.call<{ status: string }>('GET', path)) ?? {};
      return status === 'completed';
    });
    const result = await api?.call<{ data: unknown }>('GET', `${path}/result`);
    expect(result?.data).toMatchObject({ echo: { text } });
    const listed = await api?.call<{ artifacts: readonly { sha256: string; size_bytes: number }[] }>(
      'GET',
      `${path}/artifacts`,
    );
    const stored = await (await fetch(`${api?.url}${path}/artifacts/result-data.json`)).text();
    expect(listed?.artifacts).toMatchObject([
      { size_bytes: stored.length, sha256: createHash('sha256').update(stored).digest('hex') },
    ]);
  });
});
