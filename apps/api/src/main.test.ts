import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TestClient } from './testing/api-client.ts';
import { eventually } from './testing/eventually.ts';
import { startTestNode } from './testing/node.ts';
import { runToEnd, startApiProcess } from './testing/process.ts';
import { setStage } from './testing/stage.ts';
import { startTestWorker } from './testing/worker.ts';

const { place, client } = await setStage();

describe('the API program', () => {
  test('refuses to listen beyond loopback without a key', async () => {
    const { code, stderr } = await runToEnd(place.env, ['--host=0.0.0.0']);
    expect(code).toBe(2);
    expect(stderr).toContain('Cannot listen on 0.0.0.0: no API key is set');
  });

  test('listens beyond loopback when told that this is meant', async () => {
    await using api = await startApiProcess(place.env, ['--host=0.0.0.0', '--insecure']);
    const url = api.url.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(200);
  });

  test('listens beyond loopback with a key, and asks for it', async () => {
    await using api = await startApiProcess({ ...place.env, GUESTKIT_API_KEY: 'sesame' }, ['--host=0.0.0.0']);
    const url = api.url.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(401);
    const headers = { authorization: 'Bearer sesame' };
    expect((await fetch(`${url}/api/v1/jobs`, { headers })).status).toBe(200);
  });

  test('says in one line that its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { code, stderr } = await runToEnd(place.env, [`--port=${port}`]);
    other.close();
    expect(code).toBe(1);
    expect(stderr).toBe(`guestkit-api: Cannot listen on 127.0.0.1:${port}: the port is in use\n`);
  });

  test('names the nearest flag for one that it does not know', async () => {
    const { code, stderr } = await runToEnd(place.env, ['--prot=1']);
    expect(code).toBe(2);
    expect(stderr).toContain('--port');
  });

  test('ends with 0 when asked to stop', async () => {
    await using api = await startApiProcess(place.env);
    api.signal('SIGTERM');
    expect(await api.ended).toBe(0);
  });

  test('brings its own Redis when none is named, and takes it away again', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'gk-main-'));
    await using api = await startApiProcess({ GUESTKIT_DATA_DIR: folder, GUESTKIT_PORT: '0' });
    expect((await fetch(`${api.url}/health/ready`)).status).toBe(200);
    expect((await new TestClient(api.url).submit()).status).toBe(202);
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['history.sqlite', 'redis']));
    api.signal('SIGTERM');
    expect(await api.ended).toBe(0);
    await rm(folder, { recursive: true });
  });
});

describe('an API node killed right after its 202', () => {
  test('loses no job that it has acknowledged', async () => {
    const acknowledged: string[] = [];
    await using killed = await startApiProcess(place.env);
    const posts = Array.from({ length: 60 }, async (_, index) => {
      const document = { job_id: `job-survivor-${index}`, operation: 'system.echo', payload: { data: index } };
      const response = await fetch(`${killed.url}/api/v1/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(document),
      });
      if (response.status !== 202) return;
      acknowledged.push(document.job_id);
      // while others are still under way
      if (acknowledged.length === 20) killed.signal('SIGKILL');
    });
    await Promise.allSettled(posts);
    expect(await killed.ended).toBe('SIGKILL');
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);

    await using worker = await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit' });
    expect(worker).toBeDefined();
    for (const jobId of acknowledged) {
      const job = await eventually(async () => {
        const { data } = (await client.get(`/api/v1/jobs/${jobId}`)).body;
        return data.status === 'completed' && data;
      });
      expect(job.attempts.map(({ attempt }: { attempt: number }) => attempt)).toEqual([1]);
    }
  });

  test('leaves what it had not enqueued yet to another node', async () => {
    // a job that is durable but was never seen by the queue, as after a kill between the two
    await using other = await startTestNode(place);
    await place.redis.kill();
    expect((await other.client.submit({ job_id: 'job-left-behind', routing: { worker_pool: 'late' } })).status).toBe(
      202,
    );
    await other.node.stop();
    await place.redis.restart();
    await using worker = await startTestWorker({ redisUrl: place.redis.url, prefix: 'guestkit', pool: 'late' });
    expect(worker).toBeDefined();
    await eventually(async () => (await client.get('/api/v1/jobs/job-left-behind')).body.data.status === 'completed');
  });
});

describe('two API processes', () => {
  test('create one job when both are given the same at once', async () => {
    await using first = await startApiProcess(place.env);
    await using second = await startApiProcess(place.env);
    const clients = [new TestClient(first.url), new TestClient(second.url)];
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(clients.map((node) => node.submit({ job_id: `job-of-two-${round}` })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 202]);
    }
    expect((await client.get('/api/v1/jobs/job-of-two-0')).status).toBe(200);
  });
});
