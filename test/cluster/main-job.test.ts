import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSampleDisk } from '../../scripts/sample-disk.ts';
import type { SystemDisk } from '../../scripts/system-disk.ts';
import { type ApiProcess, type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';
import { sha256OfFile } from '../support/sha256.ts';

interface Job {
  readonly status: string;
  readonly attempt: number;
  readonly worker_id: string | null;
  readonly attempts: readonly { readonly attempt: number; readonly worker_id: string; readonly outcome: string }[];
  readonly progress: { readonly phase: string } | null;
  readonly error: { readonly code: string } | null;
}

/** Large enough that a checksum of it is under way for a while. */
const LARGE_BYTES = 2 ** 30;

describe('a cluster of two API nodes and two workers', () => {
  let folder: string;
  let disk: SystemDisk;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gk-images-'));
    disk = makeSampleDisk(path.join(folder, 'sample.qcow2'));
    cluster = await startCluster({
      apiNodes: 2,
      workers: 2,
      workerSettings: { GUESTKIT_IMAGE_ROOTS: folder, GUESTKIT_SLOTS: '2' },
    });
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('answers an inspection posted to one node with the same result on the other', async () => {
    const [first, second] = nodes(cluster);
    const id = await inspect(first, disk.path);
    const job = await ended(second, id);
    expect(job).toMatchObject({ status: 'completed', error: null });
    expect(await result(first, id)).toEqual(await result(second, id));
  });

  test('says of a disk what qemu-img, debugfs and dpkg-query say', async () => {
    const [api] = nodes(cluster);
    const { data } = await result(api, await inspectToEnd(api, disk.path));
    const { inspect: document } = data;
    expect(document.image).toMatchObject({ format: 'qcow2', virtual_size: qemuImgInfo(disk.path)['virtual-size'] });

    const raw = rootFilesystem(disk, folder);
    const osRelease =
      debugfs(raw, 'cat /etc/os-release').toString() || debugfs(raw, 'cat /usr/lib/os-release').toString();
    expect(document.operating_system.distribution).toBe(/^ID="?([^"\n]+)/m.exec(osRelease)?.[1]);
    expect(document.operating_system.product_name).toBe(/^PRETTY_NAME="?([^"\n]+)/m.exec(osRelease)?.[1]);
    expect(document.operating_system.hostname).toBe(debugfs(raw, 'cat /etc/hostname').toString().trim());
    const accounts = debugfs(raw, 'cat /etc/passwd').toString().trim().split('\n');
    expect(document.users.accounts.map((account: { name: string }) => account.name).sort()).toEqual(
      accounts.map((line) => line.split(':')[0]).sort(),
    );
    expect(installed(document)).toEqual(dpkgQuery(debugfs(raw, 'cat /var/lib/dpkg/status'), folder));
  });

  test('lets each node list what both accepted', async () => {
    const [first, second] = nodes(cluster);
    const ids = [await echo(first), await echo(second)];
    for (const id of ids) await ended(first, id);
    for (const api of [first, second]) {
      const { jobs } = await api.call<{ jobs: { job_id: string }[] }>('GET', '/api/v1/jobs?operation=system.echo');
      expect(jobs.map((job) => job.job_id)).toEqual(expect.arrayContaining(ids));
    }
  });

  test('accepts one of two documents with one id that differ, and one of two that do not', async () => {
    const [first, second] = nodes(cluster);
    const post = (api: ApiProcess, id: string, ping: number) =>
      api.call<{ duplicate?: boolean }>('POST', '/api/v1/jobs', {
        job_id: id,
        operation: 'system.echo',
        payload: { data: { ping } },
      });
    const same = await Promise.all([post(first, 'job-same-0001', 1), post(second, 'job-same-0001', 1)]);
    expect(same.filter((answer) => answer.duplicate === true)).toHaveLength(1);
    const other = await Promise.allSettled([post(first, 'job-other-0001', 1), post(second, 'job-other-0001', 2)]);
    expect(other.map((answer) => answer.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('begins anew elsewhere, within 10 s, and finishes the job of a worker that was killed', async () => {
    const [api] = nodes(cluster);
    const large = path.join(folder, 'large.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', disk.path, large]);
    truncateSync(large, LARGE_BYTES);
    const id = await inspect(api, large, { format: 'raw', checksum: await sha256OfFile(large) });
    await until('an attempt to run', async () => (await show(api, id)).progress !== null);
    const { worker_id: killed } = await show(api, id);
    const started = performance.now();
    await cluster.workers.find((worker) => worker.name === killed)?.kill();

    // not until its end: how long it takes to hash the image, twice, depends on what else the processors do
    await until('another attempt to begin', async () => (await show(api, id)).attempt === 2);
    const tookMs = performance.now() - started;
    const job = await ended(api, id);
    // whatever came of it, the tests that follow need two
    await cluster.addWorker();
    expect(tookMs).toBeLessThan(10_000);
    expect(job.status).toBe('completed');
    expect(job.worker_id).not.toBe(killed);
    expect(job.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'lost'],
      [2, 'completed'],
    ]);
  });

  test('completes a job whose API node was killed after its 202', async () => {
    const [first] = nodes(cluster);
    const doomed = await cluster.addApi();
    const id = await echo(doomed);
    await doomed.kill();
    expect((await ended(first, id)).status).toBe('completed');
  });

  test('completes what was accepted while Redis was away', async () => {
    const [api] = nodes(cluster);
    await cluster.redis.kill();
    const posted = echo(api);
    await cluster.redis.restart();
    expect((await ended(api, await posted)).status).toBe('completed');
  });

  test('loses nothing when a worker drains', async () => {
    const [api] = nodes(cluster);
    const ids = await Promise.all(Array.from({ length: 30 }, () => echo(api)));
    const [worker] = cluster.workers.filter((entry) => entry.isRunning());
    expect(await worker?.stop()).toBe(0);
    for (const id of ids) expect((await ended(api, id)).status).toBe('completed');
  });
});

function nodes(cluster: Cluster): [ApiProcess, ApiProcess] {
  const [first, second] = cluster.apis;
  if (first === undefined || second === undefined) throw new Error('two API nodes expected');
  return [first, second];
}

async function inspect(api: ApiProcess, file: string, more: Record<string, unknown> = {}): Promise<string> {
  const payload = { data: { image: { path: file, format: 'qcow2', ...more } } };
  const answer = await api.call<{ job_id: string }>('POST', '/api/v1/jobs', { operation: 'guestkit.inspect', payload });
  return answer.job_id;
}

async function inspectToEnd(api: ApiProcess, file: string): Promise<string> {
  const id = await inspect(api, file);
  expect(await ended(api, id)).toMatchObject({ status: 'completed' });
  return id;
}

async function echo(api: ApiProcess): Promise<string> {
  const document = { operation: 'system.echo', payload: { data: { ping: 1 } } };
  return (await api.call<{ job_id: string }>('POST', '/api/v1/jobs', document)).job_id;
}

function show(api: ApiProcess, id: string): Promise<Job> {
  return api.call<Job>('GET', `/api/v1/jobs/${id}`);
}

// biome-ignore lint/suspicious/noExplicitAny: the document is compared member by member
function result(api: ApiProcess, id: string): Promise<any> {
  return api.call('GET', `/api/v1/jobs/${id}/result`);
}

async function ended(api: ApiProcess, id: string): Promise<Job> {
  let job: Job | undefined;
  await until(`${id} to end`, async () => {
    job = await show(api, id);
    return !['pending', 'assigned', 'running'].includes(job.status);
  });
  if (job === undefined) throw new Error('unreachable');
  return job;
}

interface Inspection {
  readonly packages: { readonly installed: readonly { name: string; version: string; architecture: string }[] };
}

function installed({ packages }: Inspection): string[] {
  return packages.installed.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`).sort();
}

function qemuImgInfo(file: string): Record<string, unknown> {
  return JSON.parse(execFileSync('qemu-img', ['info', '--output=json', file], { encoding: 'utf8' }));
}

/** The root filesystem of the disk as `FILE?offset=N`, for debugfs. */
function rootFilesystem(disk: SystemDisk, folder: string): string {
  const raw = path.join(folder, 'reference.raw');
  execFileSync('qemu-img', ['convert', '-O', 'raw', disk.path, raw]);
  return `${raw}?offset=${disk.rootOffsetBytes}`;
}

function debugfs(filesystem: string, command: string): Buffer {
  return execFileSync('debugfs', ['-R', command, filesystem], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
}

/** What dpkg-query itself says of the same database. */
function dpkgQuery(status: Buffer, folder: string): string[] {
  const admin = mkdtempSync(path.join(folder, 'dpkg-'));
  execFileSync('sh', ['-c', 'cat > "$0/status"; mkdir "$0/info" "$0/updates"', admin], { input: status });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg-query's
  const format = '${db:Status-Abbrev}|${Package} ${Version} ${Architecture}\n';
  const listing = execFileSync('dpkg-query', ['--admindir', admin, '-W', '-f', format], { maxBuffer: 2 ** 26 });
  const lines = listing.toString().trim().split('\n');
  return lines
    .filter((line) => line.startsWith('ii '))
    .map((line) => line.slice(line.indexOf('|') + 1))
    .sort();
}
