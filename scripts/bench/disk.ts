// `npm run bench:disk`: reading images beside qemu-img, and serving one beside qemu-nbd, in turns in one run.
//
//   npm run bench:disk                        512 MiB, five rounds
//   npm run bench:disk -- --mib 128 --rounds 3
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { COMPILED, type Contestant, contest, type Outcome } from './disk/contest.ts';
import { type BenchImages, benchImages } from './disk/images.ts';
import { median, printTable, type Row } from './figures.ts';

const MIB = 2 ** 20;
const FLOOR = 0.7;
const IDENTIFY_RUNS = 30;

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '512' }, rounds: { type: 'string', default: '5' } },
});
const sizeMib = Number(values.mib);
const rounds = Number(values.rounds);
const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-bench-'));
const images = benchImages(sizeMib);
try {
  printTable(`Reading ${sizeMib} MiB in order, ${rounds} rounds in turns`, [
    ...(await readingRows('plain')),
    ...(await readingRows('zlib')),
    ...(await readingRows('zstd')),
    ...(await servingRows()),
  ]);
  printTable('Container, table and identity of the filesystem of a disk of 1 TiB', identifyRows());
} finally {
  rmSync(folder, { recursive: true });
}

async function readingRows(kind: Exclude<keyof BenchImages, 'large'>): Promise<Row[]> {
  const image = images[kind];
  const target = `driver=null-co,size=${sizeMib * MIB}`;
  const { ours, theirs } = await contest(
    {
      ours: node('read.ts', image),
      theirs: { command: 'qemu-img', args: ['convert', '-n', '-f', 'qcow2', '--target-image-opts', image, target] },
    },
    rounds,
  );
  return [ratioRow(`qcow2, ${kind} (${Math.round(statSync(image).size / MIB)} MiB), beside qemu-img`, ours, theirs)];
}

async function servingRows(): Promise<Row[]> {
  if (!has('nbdcopy') || !has('qemu-nbd')) {
    return [{ what: 'NBD', figure: 'nbdcopy or qemu-nbd is not installed', target: '', met: undefined }];
  }
  const sockets = { ours: path.join(folder, 'ours'), theirs: path.join(folder, 'theirs') };
  const options = ['--read-only', '--persistent', '--shared=8', '-f', 'qcow2'];
  const theirServer = spawn('qemu-nbd', [...options, '--socket', sockets.theirs, images.plain], { stdio: 'inherit' });
  const { command, args } = node('serve.ts', images.plain, sockets.ours);
  const ourServer = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(ourServer.stdout, 'data');
    const copy = (socket: string): Contestant => ({
      command: 'nbdcopy',
      args: [`nbd+unix:///?socket=${socket}`, 'null:'],
    });
    const { ours, theirs } = await contest({ ours: copy(sockets.ours), theirs: copy(sockets.theirs) }, rounds);
    return [{ ...ratioRow('qcow2, plain, by nbdcopy, beside qemu-nbd', ours, theirs), target: '', met: undefined }];
  } finally {
    for (const server of [ourServer, theirServer]) {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    }
  }
}

/** Throughput of the whole process, its start included. */
function ratioRow(what: string, ours: Outcome, theirs: Outcome): Row {
  const ratio = theirs.ms / ours.ms;
  const speed = ({ ms }: Outcome) => `${Math.round(sizeMib / (ms / 1000))} MiB/s`;
  const cpuRatio = (theirs.cpuMs / ours.cpuMs).toFixed(2);
  const cpu = `processor time ${Math.round(ours.cpuMs)} to ${Math.round(theirs.cpuMs)} ms: ${cpuRatio}`;
  const figure = `${speed(ours)} to ${speed(theirs)}: ${ratio.toFixed(2)} (${cpu})`;
  return { what, figure, target: `≥ ${FLOOR}`, met: ratio >= FLOOR };
}

interface Identified {
  readonly times: readonly number[];
  readonly before: number;
  readonly peakBytes: number;
  readonly signature: { readonly type: string; readonly label: string };
}

function identifyRows(): Row[] {
  const { command, args } = node('identify.ts', images.large, String(IDENTIFY_RUNS));
  const run = () => execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, ...COMPILED } });
  // fills the cache of compiled code
  run();
  const { times, before, peakBytes, signature }: Identified = JSON.parse(run());
  if (signature.label !== 'large') throw new Error(`Cannot measure: found ${JSON.stringify(signature)}`);
  const [first = Number.NaN, ...rest] = times;
  const warm = median(rest);
  return [
    { what: 'warm, median', figure: `${warm.toFixed(1)} ms`, target: '≤ 50 ms', met: warm <= 50 },
    { what: 'the first in its process', figure: `${first.toFixed(1)} ms`, target: '', met: undefined },
    {
      what: 'peak memory',
      figure: `${Math.round(peakBytes / MIB)} MiB`,
      target: '≤ 64 MiB',
      met: peakBytes <= 64 * MIB,
    },
    {
      what: 'of it, Node with the engine loaded',
      figure: `${Math.round(before / MIB)} MiB`,
      target: '',
      met: undefined,
    },
  ];
}

function node(script: string, ...args: readonly string[]): Contestant {
  return { command: process.execPath, args: [path.join(import.meta.dirname, 'disk', script), ...args] };
}

function has(tool: string): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
