import { describe, expect, test } from 'vitest';
import { advertise } from '../testing/advertisement.ts';
import { setStage } from '../testing/stage.ts';

const { place, client } = await setStage();

describe('GET /api/v1/workers', () => {
  test('lists nobody when no worker is live', async () => {
    const { status, body } = await client.get('/api/v1/workers');
    expect(status).toBe(200);
    expect(body.data).toEqual({ workers: [], total: 0 });
  });

  test('lists live workers by their ids with all that they announce', async () => {
    await using second = await advertise(place, { worker_id: 'worker-b', state: 'draining' });
    await using first = await advertise(place, { worker_id: 'worker-a', features: ['lvm'] });
    const { body } = await client.get('/api/v1/workers');
    expect(body.data.total).toBe(2);
    expect(body.data.workers.map((worker: { worker_id: string }) => worker.worker_id)).toEqual([
      'worker-a',
      'worker-b',
    ]);
    expect(body.data.workers[0]).toMatchObject({ ...first, [Symbol.asyncDispose]: undefined });
    expect(body.data.workers[1].status.state).toBe(second.status.state);
  });
});

describe('GET /api/v1/capabilities', () => {
  test('has the fields of a single worker, empty when no worker is live', async () => {
    expect((await client.get('/api/v1/capabilities')).body.data).toEqual({
      worker_id: 'cluster',
      operations: [],
      features: [],
      disk_formats: [],
      max_concurrent_jobs: 0,
      max_disk_size_gb: 0,
      workers: [],
    });
  });

  test('joins what all live workers offer', async () => {
    await using first = await advertise(place, { worker_id: 'worker-a', operations: ['system.echo'] });
    await using second = await advertise(place, {
      worker_id: 'worker-b',
      operations: ['guestkit.inspect', 'system.echo'],
      features: ['lvm'],
    });
    const { body } = await client.get('/api/v1/capabilities');
    expect(body.data).toMatchObject({
      operations: ['guestkit.inspect', 'system.echo'],
      features: ['lvm'],
      disk_formats: ['qcow2', 'raw'],
      max_concurrent_jobs: 4,
      max_disk_size_gb: 100,
      workers: [
        { worker_id: first.worker_id, operations: ['system.echo'] },
        { worker_id: second.worker_id, max_concurrent_jobs: 2 },
      ],
    });
  });
});
