// Builds the container images for real and runs the cluster from them: `npm run test:image`.
// There may be no container engine and no image registry here, so buildah builds (chroot isolation, vfs storage) on a base made from
// a debootstrap root plus this repository's own Node; the images then run by `buildah run`. Needs root, on Debian or Ubuntu.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, isOk } from '../test/support/cluster.ts';
import { until } from '../test/support/condition.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { makeSampleDisk } from './sample-disk.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Stands in for the official `node:26-slim`: Debian 12 with Node 26 and npm. */
const BASE = 'localhost/node:26-slim';
const TARGETS = ['api', 'worker'] as const;
const BUILDAH = { ...process.env, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' };
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
/** The user that both images run as. */
const IMAGE_UID = 10001;

type Target = (typeof TARGETS)[number];

interface Container {
  readonly target: Target;
  readonly id: string;
  readonly command: readonly string[];
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
}

if (process.getuid?.() !== 0) throw new Error('Cannot build images: not root, root expected (chroot isolation)');
installTools(['buildah', 'debootstrap']);
if (spawnSync('buildah', ['inspect', '--type', 'image', BASE], { env: BUILDAH }).status !== 0) buildBase();
for (const target of TARGETS) buildImage(target);
await runCluster();
process.stdout.write('\n1 passed, 0 failed\n');

function installTools(names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing.length === 0) return;
  step(`installing ${missing.join(' ')}`);
  run('apt-get', ['-qq', 'update']);
  run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...missing]);
}

function buildBase(): void {
  step('making a Debian base with Node 26');
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-base-'));
  try {
    run('debootstrap', [
      '--variant=minbase',
      '--include=libatomic1,ca-certificates',
      'bookworm',
      folder,
      debianMirror(),
    ]);
    addNode(folder);
    const container = buildah(['from', 'scratch']);
    buildah(['add', '--quiet', container, `${folder}/`, '/']);
    buildah(['config', '--env', `NODE_EXTRA_CA_CERTS=${AUTHORITIES}`, container]);
    buildah(['commit', '--quiet', '--format', 'docker', container, BASE]);
    buildah(['rm', container]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The mirror that this machine itself installs from. */
function debianMirror(): string {
  const targets = run('apt-get', ['indextargets', '--format', '$(SITE) $(RELEASE)']).split('\n');
  const site = targets.map((line) => line.split(' ')).find(([, release]) => release === 'bookworm')?.[0];
  assert(site, 'Cannot make a base image: apt names no mirror for Debian 12');
  return site;
}

function addNode(folder: string): void {
  const local = path.join(folder, 'usr/local');
  cpSync(process.execPath, path.join(local, 'bin/node'), { dereference: true });
  const npm = path.dirname(path.dirname(process.env.npm_execpath ?? '/usr/lib/node_modules/npm/bin/npm-cli.js'));
  cpSync(npm, path.join(local, 'lib/node_modules/npm'), { recursive: true, dereference: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', path.join(local, 'bin/npm'));
  // a machine behind its own certificate authority reaches the registries only with it
  cpSync(AUTHORITIES, path.join(folder, AUTHORITIES), {
    dereference: true,
  });
}

function buildImage(target: Target): void {
  step(`building the ${target} image`);
  const options = [
    '--build-arg',
    `NODE_IMAGE=${BASE}`,
    '--format',
    'docker',
    '--target',
    target,
    '--tag',
    imageOf(target),
  ];
  buildah(['build', '--quiet', ...options, ROOT]);
}

async function runCluster(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-images-'));
  // the images run as an unprivileged user, who must be able to reach the disk
  chmodSync(folder, 0o755);
  const redisPort = await freePort();
  await using _redis = await startRedis({ args: ['--port', String(redisPort), '--bind', '127.0.0.1'] });
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  const containers: Container[] = [];
  try {
    makeSampleDisk(path.join(folder, 'sample.qcow2'));
    const apiKey = randomBytes(24).toString('hex');
    const port = await freePort();
    const shared = { REDIS_URL: redisUrl, GUESTKIT_API_KEY: apiKey };
    const api = start('api', { ...shared, GUESTKIT_HOST: '127.0.0.1', GUESTKIT_PORT: String(port) }, []);
    containers.push(api);
    const metricsPort = String(await freePort());
    const workerSettings = {
      REDIS_URL: redisUrl,
      GUESTKIT_METRICS_HOST: '127.0.0.1',
      GUESTKIT_METRICS_PORT: metricsPort,
    };
    const worker = start('worker', workerSettings, [`${folder}:/images:ro`]);
    containers.push(worker);
    const call = client(`http://127.0.0.1:${port}`, apiKey);

    step('waiting for a worker');
    await until('the API node', () => isOk(`http://127.0.0.1:${port}/health/live`), { timeoutMs: 60_000 });
    await until('a live worker', async () => (await call('GET', '/api/v1/workers')).workers?.length === 1);
    checkUser(worker);
    checkUser(api);

    step('inspecting a disk');
    const payload = { data: { image: { path: '/images/sample.qcow2', format: 'qcow2' } } };
    const { job_id } = await call('POST', '/api/v1/jobs', { operation: 'guestkit.inspect', payload });
    await until('the job to end', async () => {
      const job = await call('GET', `/api/v1/jobs/${job_id}`);
      assert.notEqual(job.status, 'failed', JSON.stringify(job.error));
      return job.status === 'completed';
    });
    const result = await call('GET', `/api/v1/jobs/${job_id}/result`);
    const id = /^ID="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    assert.equal(result.data.inspect.operating_system.distribution, id);
    say(`the worker image found ${result.data.inspect.operating_system.product_name}`);

    step('stopping with SIGTERM');
    await stop(worker);
    await until('the worker to leave', async () => (await call('GET', '/api/v1/workers')).workers?.length === 0);
    await stop(api);
  } finally {
    for (const container of containers) await discard(container);
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(target: Target, environment: Record<string, string>, volumes: readonly string[]): Container {
  const id = buildah(['from', imageOf(target)]);
  const image = JSON.parse(buildah(['inspect', '--type', 'container', id])).Docker.config;
  assert(image.Healthcheck, `Cannot accept the ${target} image: no HEALTHCHECK`);
  const command: string[] = [...image.Entrypoint, ...image.Cmd];
  const settings = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const mounts = volumes.flatMap((volume) => ['--volume', volume]);
  say(`${target}: ${command.join(' ')}`);
  const child = spawn('buildah', ['run', ...settings, ...mounts, id, '--', ...command], {
    env: BUILDAH,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { target, id, command, process: child, exited };
}

/** The program inside, below the layers of buildah: its init, and the Node it started. */
function processesOf(container: Container): { init: number; node: number } {
  const descendants = descendantsOf(container.process.pid ?? 0);
  const runs = (program: string) =>
    descendants.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]?.endsWith(program));
  const init = runs('tini');
  const node = runs('node');
  assert(init && node, `Cannot find the processes of the ${container.target} container`);
  return { init, node };
}

function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The kernel keeps the children of each thread apart, and a Go program starts them from any. */
function childrenOf(pid: number): number[] {
  const lists = globSync(`/proc/${pid}/task/*/children`).map((file) => readFileSync(file, 'utf8'));
  return lists.flatMap((list) => list.trim().split(' ').filter(Boolean).map(Number));
}

function checkUser(container: Container): void {
  const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${processesOf(container).node}/status`, 'utf8'))?.[1]);
  assert.equal(uid, IMAGE_UID, `The ${container.target} container must not run as root`);
}

/** Sends what an engine would send to PID 1, and expects a clean end. */
async function stop(container: Container): Promise<void> {
  const started = performance.now();
  process.kill(processesOf(container).init, 'SIGTERM');
  const code = await Promise.race([container.exited, delay(30_000, 'late', { ref: false })]);
  assert.equal(code, 0, `The ${container.target} container must end with 0 on SIGTERM`);
  say(`${container.target} ended in ${Math.round(performance.now() - started)} ms`);
}

async function discard(container: Container): Promise<void> {
  if (container.process.exitCode === null && container.process.signalCode === null) {
    for (const pid of descendantsOf(container.process.pid ?? 0).reverse()) process.kill(pid, 'SIGKILL');
    container.process.kill('SIGKILL');
    await container.exited;
  }
  buildah(['rm', container.id]);
}

function client(url: string, apiKey: string) {
  // biome-ignore lint/suspicious/noExplicitAny: the answers are compared member by member
  return async (method: string, route: string, body?: unknown): Promise<any> => {
    const answer = await fetch(url + route, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const { data, error, message } = (await answer.json()) as any;
    assert(answer.ok, `${method} ${route}: ${answer.status} ${error} ${message}`);
    return data;
  };
}

function imageOf(target: Target): string {
  return `localhost/guestkit-${target}`;
}

function buildah(args: readonly string[]): string {
  return run('buildah', args, BUILDAH);
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync(command, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  }).trim();
}

function step(message: string): void {
  process.stderr.write(`\n== ${message}\n`);
}

function say(message: string): void {
  process.stderr.write(`   ${message}\n`);
}
