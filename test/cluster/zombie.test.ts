import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSampleDisk } from '../../scripts/sample-disk.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';
import { sha256OfFile } from '../support/sha256.ts';

interface Job {
  readonly status: string;
  readonly worker_id: string | null;
  readonly progress: { readonly message: string } | null;
  readonly attempts: readonly { readonly worker_id: string; readonly outcome: string }[];
}

/** Large enough that a checksum of it is under way for a while. */
const LARGE_BYTES = 2 ** 30;
const LONG = { timeoutMs: 90_000 };

let folder: string;
let cluster: Cluster;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gk-zombie-'));
  mkdirSync(path.join(folder, 'results'));
  const settings = {
    ...{ GUESTKIT_IMAGE_ROOTS: folder, GUESTKIT_OUTPUT_ROOTS: path.join(folder, 'results') },
    GUESTKIT_SLOTS: '1',
  };
  cluster = await startCluster({ workers: 2, workerSettings: settings });
}, 180_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('a worker that is stopped for longer than its lock, and then goes on', () => {
  test('publishes nothing of a job that another has done meanwhile', { timeout: 180_000 }, async () => {
    const api = cluster.apis[0];
    const show = async () => (await api?.call<Job>('GET', `/api/v1/jobs/job-zombie-1`)) ?? expect.fail();
    const image = path.join(folder, 'large.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', makeSampleDisk(path.join(folder, 'sample.qcow2')).path, image]);
    truncateSync(image, LARGE_BYTES);
    const output = path.join(folder, 'results', 'answer.json');
    const data = {
      image: { path: image, format: 'raw', checksum: await sha256OfFile(image) },
      output: { format: 'json', destination: output },
    };
    await api?.call('POST', '/api/v1/jobs', {
      ...{ job_id: 'job-zombie-1', operation: 'guestkit.inspect', payload: { data } },
    });
    await until(
      'the image to be hashed',
      async () => (await show()).progress?.message.includes('SHA-256') === true,
      LONG,
    );
    const { worker_id } = await show();
    const zombie = cluster.workers.find(({ name }) => name === worker_id) ?? expect.fail();
    process.kill(zombie.pid, 'SIGSTOP');

    await until('another worker to do the job', async () => (await show()).status === 'completed', LONG);
    const { ino, mtimeMs } = statSync(output);
    process.kill(zombie.pid, 'SIGCONT');
    await until('the late worker to give up', () => zombie.log().includes('the job is not ours any more'), LONG);

    expect(statSync(output)).toMatchObject({ ino, mtimeMs });
    expect(readdirSync(path.join(folder, 'results'))).toEqual(['answer.json']);
    expect((await show()).attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'completed']);
    expect((await show()).worker_id).not.toBe(zombie.name);
  });
});
