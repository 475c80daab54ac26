import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descendantsOf, survivors } from '../../../../scripts/demo/processes.ts';
import { makeSampleDisk } from '../../../../scripts/sample-disk.ts';
import { until } from '../../../../test/support/condition.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { commandFile, runCommand, runForJson } from '../testing/run-command.ts';

let folder: string;
let cluster: UpProcess;
let image: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestkit-up-'));
  image = makeSampleDisk(path.join(folder, 'images/sample.qcow2')).path;
  writeFileSync(path.join(folder, 'images/broken.qcow2'), '');
  cluster = await startUp({ folder, imageRoot: path.dirname(image), apiNodes: 2, workers: 2 });
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('guestkit-worker up', () => {
  test('runs the services it was asked for', () => {
    expect(ask('workers').total).toBe(2);
    for (const url of cluster.urls)
      expect(runForJson('guestkit-worker', ['health', '--url', url]).status).toBe('ready');
    expect(ask('capabilities').operations).toContain('guestkit.inspect');
  });

  test('starts a worker again that was killed, and says so', async () => {
    const before = await workerIds();
    const victim = cluster.children().find((pid) => before.some((id) => id.includes(`-${pid}-`))) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until('it says so', () => cluster.log().includes('ended with SIGKILL; it starts again'));
    await until('there is a new worker', async () => (await workerIds()).some((id) => !before.includes(id)));
  });

  test('starts its Redis again that was killed, and loses no job', async () => {
    const { job_id } = ask('submit', '--operation', 'system.echo', '--data', '{"n":1}');
    process.kill(cluster.redis(), 'SIGKILL');
    await until('it says so', () => cluster.log().includes('embedded Redis ended'));
    await until('the job is done', async () => (await statusOf(job_id)) === 'completed');
    expect(ask('status', job_id).status).toBe('completed');
  });
});

describe('guestkit-worker submit', () => {
  test('waits for an inspection, shows its progress, and prints the result', () => {
    const args = ['submit', '--operation', 'guestkit.inspect', '--image', image, '--wait', '--url', cluster.url];
    const { code, stdout, stderr } = runCommand('guestkit-worker', [...args, '--output', 'json']);
    expect(stderr).toMatch(/^100% {2}complete: /m);
    expect(code).toBe(EXIT_CODES.ok);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'completed',
      data: { inspect: { operating_system: { root: '/dev/sda2' } } },
    });
  });

  test('ends as the job ended', () => {
    const broken = path.join(path.dirname(image), 'broken.qcow2');
    const args = ['submit', '--operation', 'guestkit.inspect', '--image', broken, '--wait', '--url', cluster.url];
    const { code, stdout, stderr } = runCommand('guestkit-worker', args);
    expect(code).toBe(EXIT_CODES['job-failed']);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/guestkit-worker: Cannot finish job "\S+": .*\(IMAGE_CORRUPT\)\n$/);
  });

  test('takes a whole document from stdin, and says when it was known before', () => {
    const document = JSON.stringify({
      version: '1.0',
      job_id: 'job-from-stdin',
      created_at: '2026-05-04T08:00:00Z',
      kind: 'VMOperation',
      operation: 'system.echo',
      metadata: { name: 'echo', labels: { tier: 'test' } },
      payload: { type: 'system.echo.v1', data: { ping: 1 } },
    });
    const args = ['submit', '-', '--url', cluster.url];
    expect(runCommand('guestkit-worker', args, { input: document }).stdout).toBe('job-from-stdin submitted\n');
    expect(runCommand('guestkit-worker', args, { input: document }).stdout).toBe(
      'job-from-stdin submitted (was known before)\n',
    );
    expect(ask('list', '--label', 'tier=test').jobs).toMatchObject([{ job_id: 'job-from-stdin', name: 'echo' }]);
  });

  test('posts the claim that overrides the format, and none that says nothing', () => {
    const args = ['submit', '--operation', 'guestkit.inspect', '--image', image, '--url', cluster.url];
    const override = [...args, '--allow-format-override'];
    expect(runCommand('guestkit-worker', override).code).toBe(EXIT_CODES.usage);
    const { job_id } = runForJson('guestkit-worker', [...override, '--format', 'qcow2']);
    expect(ask('list', '--payload', 'image.allow_format_override=true').jobs).toMatchObject([{ job_id }]);
  });

  test('tells why the API refuses', () => {
    const { code, stderr } = runCommand('guestkit-worker', ['submit', '--operation', 'nonsense', '--url', cluster.url]);
    expect(code).toBe(EXIT_CODES.refused);
    expect(stderr).toContain('Cannot submit the job: Job validation failed: Invalid field value: operation');
  });
});

describe('a job that has ended', () => {
  test('can be asked for: status, result, list', async () => {
    const { job_id } = ask(
      'submit',
      '--operation',
      'system.echo',
      '--data',
      '{"word":"hello"}',
      '--label',
      'kind=echo',
    );
    expect(runCommand('guestkit-worker', ['status', job_id, '--watch', '--url', cluster.url])).toMatchObject({
      code: 0,
    });
    expect(ask('status', job_id)).toMatchObject({ status: 'completed', operation: 'system.echo' });
    expect(ask('result', job_id)).toMatchObject({ job_id, data: { echo: { word: 'hello' } } });
    expect(ask('list', '--label', 'kind=echo', '--status', 'completed').jobs).toMatchObject([{ job_id }]);
    const cancelled = runCommand('guestkit-worker', ['cancel', job_id, '--url', cluster.url]);
    expect(cancelled).toMatchObject({
      code: EXIT_CODES.refused,
      stderr: expect.stringContaining('it is already completed'),
    });
  });

  test.each(['status', 'result', 'cancel'])('that never was is not found by %s', (command) => {
    const { code } = runCommand('guestkit-worker', [command, 'job-that-never-was', '--url', cluster.url]);
    expect(code).toBe(EXIT_CODES['not-found']);
  });
});

describe('a job that failed for good', () => {
  test('is a dead letter, which can be listed, shown, requeued once with other data, and purged', async () => {
    const listed = (...args: readonly string[]) => ask('dlq', 'list', '--label', 'kind=dead', ...args);
    const dataOf = (file: string) => JSON.stringify({ image: { path: file, format: 'raw' } });
    const data = dataOf('/etc/passwd');
    const { job_id } = ask('submit', '--operation', 'guestkit.inspect', '--data', data, '--label', 'kind=dead');
    await until('it is dead', async () => (await statusOf(job_id)) === 'failed');
    await until('it is listed', () => listed('--class', 'denied').total === 1);
    expect(ask('dlq', 'show', job_id)).toMatchObject({ class: 'denied', history: [{ outcome: 'failed' }] });
    const tell = (...args: readonly string[]) => runCommand('guestkit-worker', ['dlq', ...args, '--url', cluster.url]);
    expect(tell('list').stdout).toMatch(new RegExp(`${job_id} +guestkit\\.inspect +denied +PATH_DENIED +1 `));
    expect(tell('show', job_id).stdout).toContain('denied: errors of this class were not to be retried\n');
    expect(tell('requeue', job_id, '--data', '{')).toMatchObject({
      ...{ code: EXIT_CODES.usage, stderr: expect.stringContaining('Cannot read --data: expected JSON') },
    });
    const edits = ['--data', dataOf(path.join(path.dirname(image), 'absent.raw')), '--execution', '{"priority":9}'];
    const requeued = ask('dlq', 'requeue', job_id, ...edits);
    expect(requeued.requeued_from).toBe(job_id);
    expect(ask('dlq', 'requeue', job_id, ...edits)).toMatchObject({ job_id: requeued.job_id, duplicate: true });
    await until('the new one is dead too', async () => (await statusOf(requeued.job_id)) === 'failed');
    await until('it is listed too', () => listed('--error', 'IMAGE_NOT_FOUND').total === 1);
    expect(listed().dead_letters).toMatchObject([{ job_id: requeued.job_id }]);
    expect(listed('--all').total).toBe(2);
    expect(ask('dlq', 'purge', requeued.job_id)).toMatchObject({ job_id: requeued.job_id });
    expect(listed().total).toBe(0);
  });

  test.each(['show', 'requeue', 'purge'])('is not found by dlq %s if it never was', (command) => {
    const { code } = runCommand('guestkit-worker', ['dlq', command, 'job-that-never-was', '--url', cluster.url]);
    expect(code).toBe(EXIT_CODES['not-found']);
  });
});

describe('guestkit-worker up, told to stop', { timeout: 60_000 }, () => {
  test('by SIGKILL, even then leaves no service behind', async () => {
    const own = mkdtempSync(path.join(os.tmpdir(), 'guestkit-up-'));
    const other = await startUp({ folder: own, imageRoot: own, apiNodes: 1, workers: 1 });
    // a worker that has done a job is not in the middle of starting
    runCommand('guestkit-worker', ['submit', '--operation', 'system.echo', '--wait', '--url', other.url]);
    const family = other.family();
    other.kill();
    await until('all are gone', () => survivors(family).length === 0, { everyMs: 100 });
    rmSync(own, { recursive: true, force: true });
  });

  test('gives up when a service cannot start, and says which', async () => {
    const taken = new URL(cluster.url).port;
    const own = mkdtempSync(path.join(os.tmpdir(), 'guestkit-up-'));
    const { code, stderr } = runCommand('guestkit-worker', [
      'up',
      `--port=${taken}`,
      `--data-dir=${own}`,
      '--metrics-port=0',
    ]);
    expect(code).toBe(EXIT_CODES.unexpected);
    expect(stderr).toMatch(/guestkit-worker: Cannot start api 1: it ended with exit code 1\n$/);
    rmSync(own, { recursive: true, force: true });
  });

  // the last one: it ends the cluster that all the others use
  test('leaves nothing behind', async () => {
    const family = cluster.family();
    expect(family.length).toBeGreaterThanOrEqual(6);
    expect(await cluster.stop()).toBe(EXIT_CODES.ok);
    expect(survivors(family)).toEqual([]);
  });
});

interface UpProcess {
  readonly url: string;
  readonly urls: readonly string[];
  log(): string;
  /** Its services, Redis among them. */
  children(): readonly number[];
  family(): readonly number[];
  redis(): number;
  stop(): Promise<number | null>;
  kill(): void;
}

interface UpRequest {
  readonly folder: string;
  readonly imageRoot: string;
  readonly apiNodes: number;
  readonly workers: number;
}

async function startUp({ folder, imageRoot, apiNodes, workers }: UpRequest): Promise<UpProcess> {
  const port = await freePort();
  const flags = [`--workers=${workers}`, `--api-nodes=${apiNodes}`, `--port=${port}`, '--metrics-port=0'];
  const folders = [`--data-dir=${path.join(folder, 'data')}`, `--image-roots=${imageRoot}`];
  const child = spawn(process.execPath, [
    commandFile('guestkit-worker'),
    'up',
    ...flags,
    ...folders,
    '--log-level=warn',
    // each is a process more that starts
    '--slots=1',
  ]);
  let log = '';
  child.stdout.on('data', (chunk) => (log += chunk));
  child.stderr.on('data', (chunk) => (log += chunk));
  const urls = Array.from({ length: apiNodes }, (_, index) => `http://127.0.0.1:${port + index}`);
  const pid = child.pid ?? 0;
  await until(`the cluster is there: ${log}`, async () => (await workerIds(urls[0])).length === workers);
  return {
    url: urls[0] ?? '',
    urls,
    log: () => log,
    children: () => descendantsOf(pid),
    family: () => [pid, ...descendantsOf(pid)],
    redis: () => redisOf(path.join(folder, 'data')),
    stop: () => stop(child),
    kill: () => child.kill('SIGKILL'),
  };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill('SIGTERM');
  await once(child, 'exit');
  return child.exitCode;
}

function redisOf(dataDir: string): number {
  const socket = path.join(dataDir, 'redis', 'redis.sock');
  const { stdout } = spawnSync('redis-cli', ['-s', socket, 'info', 'server'], { encoding: 'utf8' });
  return Number(/^process_id:(\d+)/m.exec(stdout)?.[1]);
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
function ask(...args: readonly string[]): any {
  return runForJson('guestkit-worker', [...args, '--url', cluster.url]);
}

// What is asked over and over goes without a process for each question.

async function workerIds(url = cluster.url): Promise<readonly string[]> {
  const found = await get<{ readonly workers: readonly { readonly worker_id: string }[] }>(url, '/api/v1/workers');
  return found?.workers.map(({ worker_id }) => worker_id) ?? [];
}

async function statusOf(jobId: string): Promise<string | undefined> {
  return (await get<{ readonly status: string }>(cluster.url, `/api/v1/jobs/${jobId}`))?.status;
}

/** `undefined` while nobody answers there. */
async function get<Data>(url: string, route: string): Promise<Data | undefined> {
  const answer = await fetch(url + route).catch(() => undefined);
  const body = (await answer?.json()) as { readonly data?: Data } | undefined;
  return body?.data;
}

/** A port that is free, and the one after it too, as far as can be told. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null && address.port < 65_535 ? address.port : freePort();
}
