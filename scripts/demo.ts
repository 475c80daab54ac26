// The main job, end to end, on this machine: a disk image in, an inspection out, over a cluster of its own.
//
//   npm run demo              a sample disk, made from this host's own facts
//   npm run demo -- IMAGE     your disk
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderInspectReport } from '@guestkit/operations/inspect/report';
import { startCluster } from './demo/cluster.ts';
import { submitAndWait } from './demo/submit.ts';
import { makeSampleDisk } from './sample-disk.ts';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const RESULTS = path.join(ROOT, '.guestkit', 'demo');
const WORKERS = 2;

async function demo(given: string | undefined, signal: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'guestkit-demo-'));
  try {
    const image = given === undefined ? sampleDisk(folder) : realpathSync(given);
    await inspect(image, folder, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`done in ${seconds(startedAtMs)} s; nothing is left running`);
}

function sampleDisk(folder: string): string {
  const startedAtMs = Date.now();
  const file = path.join(folder, 'images', 'sample.qcow2');
  const { virtualSizeBytes } = makeSampleDisk(file);
  say(
    `made a sample disk of ${Math.round(virtualSizeBytes / 2 ** 20)} MiB from this host's facts in ${seconds(startedAtMs)} s`,
  );
  return file;
}

async function inspect(image: string, folder: string, signal: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  await using cluster = await startCluster({ folder, imageRoot: path.dirname(image), workers: WORKERS, signal });
  say(`started Redis, an API node at ${cluster.url} and ${WORKERS} workers in ${seconds(startedAtMs)} s`);
  const result = await submitAndWait({ url: cluster.url, image, signal });
  const file = path.join(RESULTS, `${path.parse(image).name}.json`);
  await mkdir(RESULTS, { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`\n${renderInspectReport(result.data.inspect)}\n`);
  say(
    `the job took ${result.execution_summary.duration_ms} ms; its whole result is in ${path.relative(process.cwd(), file)}`,
  );
}

function namedImage(): string | undefined {
  const [image] = process.argv.slice(2);
  if (image === undefined) return undefined;
  // npm runs scripts in the root of the repository, wherever it was called
  const file = path.resolve(process.env.INIT_CWD ?? '', image);
  if (!existsSync(file)) throw new Error(`Cannot open "${image}": there is no such file`);
  return file;
}

function seconds(sinceMs: number): string {
  return ((Date.now() - sinceMs) / 1000).toFixed(1);
}

function say(message: string): void {
  process.stdout.write(`demo: ${message}\n`);
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`Cannot go on: stopped by ${name}`)));
}
try {
  await demo(namedImage(), interrupted.signal);
} catch (error) {
  const reason: unknown = interrupted.signal.reason ?? error;
  process.stderr.write(`demo: ${reason instanceof Error ? reason.message : reason}\n`);
  process.exitCode = 1;
}
