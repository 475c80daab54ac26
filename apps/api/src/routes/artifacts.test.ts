import { artifactKey } from '@guestkit/core/artifact/artifact-key';
import { openFileStore } from '@guestkit/core/artifact/file-store';
import { keepArtifact } from '@guestkit/core/artifact/keep-artifact';
import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { type ArtifactReference, RESULT_DATA } from '@guestkit/core/job/artifact';
import { sequenceOf } from '@guestkit/core/job/event';
import { describe, expect, test } from 'vitest';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';

const { place, client, stack } = await setStage();
const store = stack.use(await openFileStore(`${place.folder}/artifacts`));
const connection = stack.use(await connectRedis(place.redis.url, { role: 'client' }));
const stream = stack.use(new RedisEventStream({ connection, prefix: 'guestkit' }));

const DATA = { packages: Array.from({ length: 5000 }, (_, n) => ({ name: `package-${n}`, version: '1.0-é' })) };

/** Posts a job and ends it with data in the artifact store, as a worker does. */
async function finishJob(job_id: string, data: unknown = DATA): Promise<ArtifactReference> {
  await client.submit({ job_id });
  const key = artifactKey({ tenant: 'default', jobId: job_id, attempt: 1, token: 'a1' }, RESULT_DATA);
  const named = { name: RESULT_DATA, key, media_type: 'application/json' };
  const data_artifact = await keepArtifact(store, named, Buffer.from(JSON.stringify(data)));
  const events = attemptEvents({ tenant: 'default', job_id });
  await stream.publish([events.assigned(), events.finished({ data_artifact })]);
  await eventually(async () => (await client.get(`/api/v1/jobs/${job_id}`)).body.data.status === 'completed');
  return data_artifact;
}

describe('a result whose data lie in the artifact store', () => {
  test('is shown as if they stood in it', async () => {
    await finishJob('job-stored-1');
    const { status, headers, body } = await client.get('/api/v1/jobs/job-stored-1/result');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ job_id: 'job-stored-1', status: 'completed', data: DATA });
    expect(body.data).not.toHaveProperty('data_artifact');
    const head = await client.fetch('/api/v1/jobs/job-stored-1/result', { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(headers.get('content-length'));
  });

  test('is listed and downloaded as an artifact', async () => {
    const { size_bytes, sha256 } = await finishJob('job-stored-2');
    const { body } = await client.get('/api/v1/jobs/job-stored-2/artifacts');
    expect(body.data.artifacts).toEqual([
      {
        ...{ name: RESULT_DATA, attempt: 1, size_bytes, sha256, media_type: 'application/json' },
        created_at: new Date(Date.UTC(2026, 4, 4, 8) + sequenceOf(1, 1)).toISOString(),
      },
    ]);
    const file = await client.get(`/api/v1/jobs/job-stored-2/artifacts/${RESULT_DATA}`);
    expect(file.body).toEqual(DATA);
    expect(file.headers.get('content-length')).toBe(String(size_bytes));
    expect(file.headers.get('etag')).toBe(`"${sha256}"`);
  });

  test('is not found when the store does not have them any more', async () => {
    const { key } = await finishJob('job-stored-3');
    await store.delete([key]);
    for (const path of ['result', `artifacts/${RESULT_DATA}`]) {
      const { status, body } = await client.get(`/api/v1/jobs/job-stored-3/${path}`);
      expect(status).toBe(404);
      expect(body.message).toMatch(/the artifact store does not have it$/);
    }
  });

  test('breaks off where the store holds something else', async () => {
    const { key } = await finishJob('job-stored-4', 'x'.repeat(1000));
    await store.put(key, Buffer.from(JSON.stringify('y'.repeat(1000))));
    const read = async () => (await client.fetch('/api/v1/jobs/job-stored-4/result')).text();
    await expect(read()).rejects.toThrow();
  });
});

test('a job that stored nothing has no artifacts', async () => {
  await client.submit({ job_id: 'job-without' });
  expect((await client.get('/api/v1/jobs/job-without/artifacts')).body.data).toEqual({ artifacts: [] });
  expect((await client.get('/api/v1/jobs/job-without/artifacts/x')).status).toBe(404);
  expect((await client.get('/api/v1/jobs/job-nobody-posted/artifacts')).status).toBe(404);
});
