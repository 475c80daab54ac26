import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ResultDocument } from '@guestkit/core/job/result';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeGuestImage } from '../../apps/worker/src/testing/guest-image.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';
import { type ImageServer, startImageServer } from '../support/image-server.ts';
import { S3_CREDENTIALS, s3Absent, startS3, type TestS3 } from '../support/s3-server.ts';

const MINUTES = 60_000;

describe('a cluster that may read remote images', { timeout: 2 * MINUTES }, () => {
  const stack = new AsyncDisposableStack();
  let cluster: Cluster;
  let server: ImageServer;
  let image: string;
  let s3: TestS3 | undefined;
  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gk-remote-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    image = makeGuestImage(folder);
    server = stack.use(await startImageServer(image));
    s3 = s3Absent === undefined ? stack.use(await startS3()) : undefined;
    cluster = stack.use(
      await startCluster({
        workerSettings: {
          ...S3_CREDENTIALS,
          GUESTKIT_REMOTE_HOSTS: `http://127.0.0.1:${server.port}`,
          GUESTKIT_REMOTE_BUCKETS: 'bucket-1/images',
          ...(s3 && { GUESTKIT_S3_ENDPOINT: s3.endpoint, GUESTKIT_S3_REGION: 'eu-central-1' }),
          GUESTKIT_S3_PATH_STYLE: 'true',
          GUESTKIT_SLOTS: '1',
        },
      }),
    );
  }, 3 * MINUTES);
  afterAll(() => stack.disposeAsync());

  test('inspects one on a web server, and tells what was fetched', async () => {
    const result = await inspect(`${server.url}?signature=secret`);
    expect(result).toMatchObject({
      status: 'completed',
      metrics: { source: { bytes_fetched: server.bytesSent, requests: server.requests.length, retries: 0 } },
      data: { summary: { image: `${server.url}?…`, distribution: 'debian', package_count: 1 } },
    });
  });

  test.skipIf(s3Absent)('inspects one in a bucket', async () => {
    const bucket = await s3?.newBucket();
    await fetch(`${s3?.endpoint}/${bucket}/images/a.qcow2`, { method: 'PUT', body: readFileSync(image) });
    expect(await inspect(`s3://${bucket}/images/a.qcow2`)).toMatchObject({
      status: 'completed',
      data: { summary: { distribution: 'debian' } },
    });
    expect(await inspect(`s3://${bucket}/other/a.qcow2`)).toMatchObject({ error: { code: 'PATH_DENIED' } });
  });

  test('refuses one on a server that it was not told of', async () => {
    expect(await inspect('http://169.254.169.254/latest/meta-data')).toMatchObject({
      status: 'failed',
      error: {
        code: 'PATH_DENIED',
        message: 'Cannot read from "http://169.254.169.254": images from there are not allowed',
      },
    });
  });

  test('cancels a job whose server hangs', async () => {
    server.fault = () => true;
    const before = server.requests.length;
    const id = await submit(server.url);
    await until('the server to be asked', async () => server.requests.length > before);
    await cluster.apis[0]?.call('POST', `/api/v1/jobs/${id}/cancel`);
    expect(await resultOf(id)).toMatchObject({ status: 'cancelled' });
  });

  async function inspect(address: string): Promise<ResultDocument | undefined> {
    return resultOf(await submit(address));
  }

  async function submit(address: string): Promise<string | undefined> {
    const payload = { data: { image: { path: address, format: 'qcow2' } } };
    const job = { operation: 'guestkit.inspect', payload };
    return (await cluster.apis[0]?.call<{ job_id: string }>('POST', '/api/v1/jobs', job))?.job_id;
  }

  async function resultOf(id: string | undefined): Promise<ResultDocument | undefined> {
    const ends = ['completed', 'failed', 'cancelled', 'timeout'];
    const [api] = cluster.apis;
    await until('the job to have ended', async () => {
      const { status = '' } = (await api?.call<{ status: string }>('GET', `/api/v1/jobs/${id}`)) ?? {};
      return ends.includes(status);
    });
    return api?.call('GET', `/api/v1/jobs/${id}/result`);
  }
});
