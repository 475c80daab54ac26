// `npm run bench:inspect [-- IMAGE]`: `guestctl inspect` of a real Debian with some 600 packages beside virt-inspector on the same file.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startCluster } from '../../test/support/cluster.ts';
import { until } from '../../test/support/condition.ts';
import { debianDisk } from './debian-disk.ts';
import { median, printTable, type Row } from './figures.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const COLD_RUNS = 9;
const WARM_RUNS = 20;
/** Long enough for the worker to have its next jail ready: each serves one attempt. */
const PAUSE_MS = 1000;
const MIB = 2 ** 20;

const image = path.resolve(process.argv[2] ?? debianDisk());
const allocated = allocatedBytes(image);
const cold = await coldRuns();
const warm = await warmRuns(PAUSE_MS);
const backToBack = await warmRuns(0);
const reference = virtInspectorMs();

printTable(
  `Inspecting ${path.basename(image)}: ${cold.packages} packages, ${Math.round(allocated / MIB)} MiB allocated`,
  rows(),
);

interface ColdRuns {
  readonly ms: number;
  readonly rssMib: number;
  readonly packages: number;
}

function rows(): Row[] {
  const share = (warm.readBytes / allocated) * 100;
  return [
    {
      what: '`guestctl inspect`, a process of its own',
      figure: `${Math.round(cold.ms)} ms`,
      target: '≤ 400 ms',
      met: cold.ms <= 400,
    },
    { what: 'its peak memory', figure: `${Math.round(cold.rssMib)} MiB`, target: '≤ 120 MiB', met: cold.rssMib <= 120 },
    {
      what: 'the attempt inside a warm worker',
      figure: `${Math.round(warm.ms)} ms`,
      target: '≤ 100 ms',
      met: warm.ms <= 100,
    },
    {
      what: 'the same, one after the other on one slot',
      figure: `${Math.round(backToBack.ms)} ms`,
      target: '',
      met: undefined,
    },
    { what: 'bytes read, of those allocated', figure: `${share.toFixed(2)} %`, target: '≤ 2 %', met: share <= 2 },
    ...referenceRows(),
  ];
}

function referenceRows(): Row[] {
  if (reference === undefined) return [{ what: 'virt-inspector', figure: 'not installed', target: '', met: undefined }];
  const ratio = reference / cold.ms;
  return [
    { what: '`virt-inspector`, same file', figure: `${Math.round(reference)} ms`, target: '', met: undefined },
    { what: 'times faster', figure: `${Math.round(ratio)} ×`, target: '≥ 100 ×', met: ratio >= 100 },
  ];
}

async function coldRuns(): Promise<ColdRuns> {
  const runs = [];
  // the first fills the compile cache and is not counted
  for (let run = 0; run <= COLD_RUNS; run += 1) runs.push(await coldRun());
  const counted = runs.slice(1);
  return {
    ms: median(counted.map((run) => run.ms)),
    rssMib: Math.max(...counted.map((run) => run.rssMib)),
    packages: counted[0]?.packages ?? 0,
  };
}

async function coldRun(): Promise<ColdRuns> {
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [path.join(ROOT, 'apps/cli/bin/guestctl.js'), 'inspect', image, '--output', 'json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  // the high-water mark is gone with the process, so it is read until then
  let peakKib = 0;
  const poll = setInterval(() => {
    peakKib = Math.max(peakKib, highWaterKib(child.pid));
  }, 5);
  const [text, code] = await Promise.all([
    child.stdout.toArray(),
    new Promise((resolve) => child.once('exit', resolve)),
  ]);
  clearInterval(poll);
  if (code !== 0) throw new Error(`Cannot measure: guestctl ended with ${code}`);
  const ms = performance.now() - start;
  return { ms, rssMib: peakKib / 1024, packages: JSON.parse(Buffer.concat(text).toString()).packages.count };
}

function highWaterKib(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // already gone
    return 0;
  }
}

interface WarmRuns {
  readonly ms: number;
  readonly readBytes: number;
}

interface Result {
  readonly status: string;
  readonly execution_summary: { readonly duration_ms: number };
  readonly metrics: { readonly disk_read_bytes: number };
}

async function warmRuns(pauseMs: number): Promise<WarmRuns> {
  await using cluster = await startCluster({
    workerSettings: { GUESTKIT_IMAGE_ROOTS: path.dirname(image), GUESTKIT_SLOTS: '1' },
  });
  const [api] = cluster.apis;
  if (api === undefined) throw new Error('Cannot measure: no API node');
  const results: Result[] = [];
  for (let run = 0; run <= WARM_RUNS; run += 1) {
    const payload = { data: { image: { path: image, format: 'qcow2' } } };
    const { job_id } = await api.call<{ job_id: string }>('POST', '/api/v1/jobs', {
      operation: 'guestkit.inspect',
      payload,
    });
    await until('the job to end', async () => {
      const { status } = await api.call<{ status: string }>('GET', `/api/v1/jobs/${job_id}`);
      return !['pending', 'assigned', 'running'].includes(status);
    });
    results.push(await api.call<Result>('GET', `/api/v1/jobs/${job_id}/result`));
    await delay(pauseMs);
  }
  const counted = results.slice(1);
  const failed = counted.find((result) => result.status !== 'completed');
  if (failed !== undefined) throw new Error(`Cannot measure: ${JSON.stringify(failed)}`);
  return {
    ms: median(counted.map((result) => result.execution_summary.duration_ms)),
    readBytes: Math.max(...counted.map((result) => result.metrics.disk_read_bytes)),
  };
}

function virtInspectorMs(): number | undefined {
  const env = { ...process.env, LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' };
  const start = performance.now();
  const { status, error } = spawnSync('virt-inspector', ['-a', image], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Error(`Cannot compare: virt-inspector ended with ${status}`);
  return performance.now() - start;
}

function allocatedBytes(file: string): number {
  return JSON.parse(execFileSync('qemu-img', ['info', '--output=json', file], { encoding: 'utf8' }))['actual-size'];
}
