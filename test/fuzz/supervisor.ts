import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readCase, writeCase } from './case-text.ts';
import type { Family } from './family.ts';
import { Hunt } from './hunt.ts';
import { LIMIT } from './limits.ts';
import { minimise } from './minimise.ts';
import { loadSeeds, saveSeeds } from './seed-folder.ts';
import type { Finding, Report } from './worker.ts';

const WORKER = path.join(import.meta.dirname, 'worker.ts');
const HEAP_MIB = 192;
/** How often memory is written down. */
const SAMPLE_CASES = 20_000;

/** What one family came to. */
export interface Figures {
  readonly family: string;
  seeds: number;
  cases: number;
  /** Of processor time, all threads. */
  cpuMs: number;
  endings: number;
  slowestMs: number;
  /** What the process held after so many cases each, and at the end: all of it, and what was in use. */
  readonly rssBytes: number[];
  readonly liveBytes: number[];
  peakBytes: number;
  /** Processes that were replaced, each of which began anew with its memory. */
  restarts: number;
  readonly findings: string[];
}

export interface FuzzPlan {
  readonly family: Family;
  readonly seedNumber: number;
  /** Where seeds and findings are kept. */
  readonly folder: string;
  readonly minutes: number;
  readonly cases: number;
  say(text: string): void;
}

/** Fuzzes one family in a process of its own until time is up or enough cases were run. A process that hangs or dies is a finding, and replaced. */
export async function fuzzFamily(plan: FuzzPlan): Promise<Figures> {
  const { family, folder } = plan;
  mkdirSync(folder, { recursive: true });
  const seeds = saveSeeds(seedsOf(plan), family);
  const figures: Figures = {
    family: family.name,
    seeds,
    cases: 0,
    cpuMs: 0,
    endings: 0,
    slowestMs: 0,
    rssBytes: [],
    liveBytes: [],
    peakBytes: 0,
    restarts: 0,
    findings: [],
  };
  const end = performance.now() + plan.minutes * 60_000;
  for (let generation = 0; performance.now() < end && figures.cases < plan.cases; generation++) {
    figures.restarts = generation;
    await runWorker(plan, plan.seedNumber + generation, figures, end);
  }
  return figures;
}

const seedsOf = ({ family, folder }: FuzzPlan) => path.join(folder, 'seeds', family.name);

function runWorker(plan: FuzzPlan, seedNumber: number, figures: Figures, end: number): Promise<void> {
  const args = [plan.family.name, String(seedNumber), plan.folder];
  const child = fork(WORKER, args, { execArgv: [`--max-old-space-size=${HEAP_MIB}`, '--expose-gc'] });
  let isStopped = false;
  const stop = () => {
    isStopped = true;
    child.kill('SIGKILL');
  };
  let heardCpuMs = 0;
  const watchdog = setInterval(() => {
    if (cpuMsOf(child) - heardCpuMs > LIMIT.silentCpuMs) hang(plan, child, figures, stop);
  }, LIMIT.lookMs);
  child.on('message', (report: Report) => {
    heardCpuMs = cpuMsOf(child);
    count(plan, figures, report);
    if (performance.now() >= end || figures.cases >= plan.cases || report.suspect !== undefined) stop();
  });
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      clearInterval(watchdog);
      if (!isStopped) record(plan, figures, shrink(plan, current(plan), `crash: ${signal ?? code}`));
      resolve();
    });
  });
}

const CLOCK_TICK_MS = 10;

/** What a process has taken of the processor: one that waits for its turn on a busy machine does not hang. */
function cpuMsOf({ pid }: ChildProcess): number {
  try {
    // the name of the process, in brackets, may hold spaces
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
  } catch {
    // it has ended
    return 0;
  }
}

function hang(plan: FuzzPlan, child: ChildProcess, figures: Figures, stop: () => void): void {
  stop();
  record(plan, figures, shrink(plan, current(plan), `hang: nothing was heard of process ${child.pid}`));
}

function count(plan: FuzzPlan, figures: Figures, report: Report): void {
  figures.cases += report.cases;
  figures.endings = Math.max(figures.endings, report.endings);
  figures.slowestMs = Math.max(figures.slowestMs, report.slowestMs);
  figures.cpuMs += report.cpuMs;
  const isLast = figures.cases >= plan.cases;
  if (isLast || figures.cases >= (figures.rssBytes.length + 1) * SAMPLE_CASES) {
    figures.rssBytes.push(report.rssBytes);
    figures.liveBytes.push(report.liveBytes);
  }
  figures.peakBytes = Math.max(figures.peakBytes, report.peakBytes);
  if (report.suspect !== undefined && endsBadly(plan, report.suspect, 'memory')) {
    record(plan, figures, shrink(plan, report.suspect, 'memory'));
  }
  for (const finding of report.findings) record(plan, figures, finding);
}

/** The case that a process was at when it was heard of no more. */
function current({ family, folder }: FuzzPlan): string {
  return readFileSync(path.join(folder, `${family.name}.current`), 'utf8').split('\n')[0] ?? '';
}

/** Makes a case smaller by processes of their own, as long as they still end badly by it. */
function shrink(plan: FuzzPlan, text: string, what: string): Finding {
  const { family, seedNumber } = plan;
  const seeds = loadSeeds(seedsOf(plan));
  const smallest = minimise(readCase(text, seeds), (smaller) => endsBadly(plan, writeCase(smaller), what));
  const image = new Hunt(family, seeds, seedNumber).imageOf(smallest);
  return { what, case: writeCase(smallest), image: Buffer.from(image).toString('base64'), stack: '' };
}

function endsBadly({ family, folder }: FuzzPlan, input: string, what: string): boolean {
  const { status } = check(family.name, folder, input);
  // one that is too slow on a busy machine is not known to be too large
  return what === 'memory' ? status === 1 : status !== 0;
}

function check(family: string, folder: string, input: string) {
  const args = [`--max-old-space-size=${HEAP_MIB}`, WORKER, family, '0', folder, '--check'];
  return spawnSync(process.execPath, args, { input, timeout: LIMIT.checkMs, encoding: 'utf8' });
}

function record({ family, folder, say }: FuzzPlan, figures: Figures, finding: Finding): void {
  const file = path.join(folder, `${family.name}-${Date.now()}-${figures.findings.length}`);
  writeFileSync(`${file}.img`, Buffer.from(finding.image, 'base64'));
  writeFileSync(
    `${file}.json`,
    `${JSON.stringify({ family: family.name, what: finding.what, stack: finding.stack, case: JSON.parse(finding.case) }, undefined, 2)}\n`,
  );
  figures.findings.push(finding.what);
  say(`${family.name}: ${finding.what}\n  ${file}.json`);
}

/** Runs what was found again. @returns how it ended, and whether badly */
export function replay(file: string, folder: string): { readonly isBad: boolean; readonly text: string } {
  const { family, case: found } = JSON.parse(readFileSync(file, 'utf8'));
  const run = check(family, folder, JSON.stringify(found));
  const end = run.signal === null ? '' : `ended by ${run.signal}`;
  return { isBad: run.status !== 0, text: [run.stdout, run.stderr, end].join('') };
}
