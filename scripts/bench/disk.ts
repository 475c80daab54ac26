// `npm run bench:disk`: reading images beside qemu-img, and serving one beside qemu-nbd, in turns in one run.
//
//   npm run bench:disk                        4 GiB, packed ones 1 GiB, five rounds
//   npm run bench:disk -- --mib 1024 --packed-mib 256 --rounds 3
//   npm run bench:disk -- --only zlib --only zstd
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { COMPILED, type Contestant, contest, type Outcome } from './disk/contest.ts';
import { type BenchSizes, benchImages } from './disk/images.ts';
import { median, printTable, type Row } from './figures.ts';

const MIB = 2 ** 20;
const FLOOR = 0.7;
const KINDS = ['plain', 'zlib', 'zstd'] as const;
type Pair = Readonly<Record<'ours' | 'theirs', Outcome>>;
const IDENTIFY_RUNS = 30;

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '4096' },
    'packed-mib': { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true },
  },
});
const packedMib = Number(values['packed-mib']);
const sizes: BenchSizes = { tiny: 1, plain: Number(values.mib), zlib: packedMib, zstd: packedMib };
const rounds = Number(values.rounds);
const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-bench-'));
const images = benchImages(sizes);
try {
  await printReading();
  if (isWanted('identify'))
    printTable('Container, table and identity of the filesystem of a disk of 1 TiB', identifyRows());
} finally {
  rmSync(folder, { recursive: true });
}

function isWanted(part: string): boolean {
  return values.only?.includes(part) ?? true;
}

async function printReading(): Promise<void> {
  const rows: Row[] = [];
  const empty = await readingContest('tiny');
  for (const kind of KINDS) if (isWanted(kind)) rows.push(...ratioRows(kind, await readingContest(kind), empty));
  if (isWanted('serve')) rows.push(...(await servingRows()));
  printTable(`Reading in order beside qemu-img, ${rounds} rounds in turns`, rows);
}

function readingContest(kind: keyof BenchSizes): Promise<Pair> {
  const target = `driver=null-co,size=${sizes[kind] * MIB}`;
  const image = images[kind];
  return contest(
    {
      ours: node('read.ts', image),
      theirs: { command: 'qemu-img', args: ['convert', '-n', '-f', 'qcow2', '--target-image-opts', image, target] },
    },
    rounds,
  );
}

/** Of whole processes, and of what is left when the time is taken off that they take for a disk of next to nothing. */
function ratioRows(kind: (typeof KINDS)[number], { ours, theirs }: Pair, empty: Pair): Row[] {
  const what = `${kind} (${sizes[kind]} MiB, file ${Math.round(statSync(images[kind]).size / MIB)} MiB)`;
  return [
    ratioRow(`${what}, whole process`, sizes[kind], { ours, theirs }),
    ratioRow(`${what}, without start and end`, sizes[kind], {
      ours: difference(ours, empty.ours),
      theirs: difference(theirs, empty.theirs),
    }),
  ];
}

function difference(whole: Outcome, part: Outcome): Outcome {
  return { ms: whole.ms - part.ms, cpuMs: whole.cpuMs - part.cpuMs };
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
    const pair = await contest({ ours: copy(sockets.ours), theirs: copy(sockets.theirs) }, rounds);
    const row = ratioRow('plain, served to nbdcopy, beside qemu-nbd', sizes.plain, pair);
    return [{ ...row, target: '', met: undefined }];
  } finally {
    for (const server of [ourServer, theirServer]) {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    }
  }
}

function ratioRow(what: string, sizeMib: number, { ours, theirs }: Pair): Row {
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
  /** After each run. */
  readonly peaks: readonly number[];
  readonly signature: { readonly type: string; readonly label: string };
}

function identifyRows(): Row[] {
  const { command, args } = node('identify.ts', images.large, String(IDENTIFY_RUNS));
  const run = () => execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, ...COMPILED } });
  // fills the cache of compiled code
  run();
  const { times, before, peaks, signature }: Identified = JSON.parse(run());
  if (signature.label !== 'large') throw new Error(`Cannot measure: found ${JSON.stringify(signature)}`);
  const [first = Number.NaN, ...rest] = times;
  const warm = median(rest);
  const [once = Number.NaN] = peaks;
  const often = peaks.at(-1) ?? Number.NaN;
  return [
    { what: 'warm, median', figure: `${warm.toFixed(1)} ms`, target: '≤ 50 ms', met: warm <= 50 },
    { what: 'the first in its process', figure: `${first.toFixed(1)} ms`, target: '', met: undefined },
    { what: 'peak memory', figure: mib(once), target: '≤ 64 MiB', met: once <= 64 * MIB },
    { what: `the same, opened ${IDENTIFY_RUNS} times`, figure: mib(often), target: '', met: undefined },
    { what: 'of it, Node with the engine loaded', figure: mib(before), target: '', met: undefined },
  ];
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
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
