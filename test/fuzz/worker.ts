// One process that fuzzes one family until it is told to stop: `worker.ts FAMILY SEED FOLDER`. With `--check`, it runs the case on
// its standard input alone, and ends well or badly by it.
import { openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { readCase, writeCase } from './case-text.ts';
import { bugOf, type Ending } from './ending.ts';
import { familyNamed } from './families.ts';
import { type Case, Hunt } from './hunt.ts';
import { LIMIT } from './limits.ts';
import { minimise } from './minimise.ts';
import { loadSeeds } from './seed-folder.ts';

/** What a worker tells of the cases since it last told. */
export interface Report {
  readonly cases: number;
  readonly endings: number;
  readonly slowestMs: number;
  /** Of the processor, for all of it. */
  readonly cpuMs: number;
  /** After what can be given back was given back. */
  readonly rssBytes: number;
  /** Of it, what is still in use: the rest the allocator keeps for later. */
  readonly liveBytes: number;
  /** At its most, since the process began. */
  readonly peakBytes: number;
  /** The case after which the process was too large: by itself it may be harmless. */
  readonly suspect?: string;
  readonly findings: readonly Finding[];
}

export interface Finding {
  readonly what: string;
  readonly case: string;
  readonly image: string;
  readonly stack: string;
}

/** Of the processor, so that a busy machine does not make it tell more than it does. */
const REPORT_CPU_MS = 1000;
/** Writing a bug down again and again helps nobody. */
const known = new Set<string>();

const [familyName = '', seedNumber = '0', folder = '', mode] = process.argv.slice(2);
const family = familyNamed(familyName);
const seeds = loadSeeds(path.join(folder, 'seeds', family.name));
const hunt = new Hunt(family, seeds, Number(seedNumber));
/** Of Node, the engine and the seeds. */
const baseBytes = peakBytes();
if (mode === '--check') check();
else {
  // nobody listens any more
  process.once('disconnect', () => process.exit());
  run(openSync(path.join(folder, `${family.name}.current`), 'w'));
}

function check(): void {
  const ending = hunt.run(readCase(readFileSync(0, 'utf8'), seeds));
  const what = faultOf(ending) ?? (isTooLarge() ? 'memory' : undefined);
  if (what !== undefined) process.stdout.write(`${what}\n${stackOf(ending)}\n`);
  process.exitCode = what === undefined ? 0 : 1;
}

/** Tells what it did, looks whether anybody listens, and goes on. */
function run(current: number): void {
  const report = batch(current);
  process.send?.(report, () => setImmediate(run, current));
}

function batch(current: number): Report {
  const start = process.threadCpuUsage();
  const whole = process.cpuUsage();
  const findings: Finding[] = [];
  let suspect: string | undefined;
  let cases = 0;
  let slowestMs = 0;
  for (; process.threadCpuUsage(start).user < REPORT_CPU_MS * 1000; cases++) {
    const next = hunt.next();
    // whoever finds this process hung or dead reads here what it was at
    writeSync(current, `${writeCase(next)}\n`, 0);
    const ending = hunt.run(next);
    slowestMs = Math.max(slowestMs, ending.cpuMs);
    const finding = findingOf(next, ending);
    if (finding !== undefined) findings.push(finding);
    if (suspect === undefined && isTooLarge()) suspect = writeCase(next);
  }
  for (const name of hunt.disturbed()) throw new Error(`Seed "${name}" was written to by a reader`);
  globalThis.gc?.();
  const { user, system } = process.cpuUsage(whole);
  const { rss: rssBytes, heapUsed, external } = process.memoryUsage();
  const memory = { rssBytes, liveBytes: heapUsed + external, peakBytes: peakBytes(), ...(suspect && { suspect }) };
  return { cases, endings: hunt.endings, slowestMs, cpuMs: (user + system) / 1000, ...memory, findings };
}

function findingOf(found: Case, ending: Ending): Finding | undefined {
  const what = faultOf(ending);
  if (what === undefined || known.has(what)) return undefined;
  known.add(what);
  const smallest = minimise(found, (smaller) => faultOf(hunt.run(smaller)) === what);
  const image = Buffer.from(hunt.imageOf(smallest)).toString('base64');
  return { what, case: writeCase(smallest), image, stack: stackOf(ending) };
}

/** What is wrong with how a case ended, in words that stay the same for the same bug. */
function faultOf({ failure, cpuMs }: Ending): string | undefined {
  if (failure !== undefined) return bugOf(failure);
  return cpuMs > LIMIT.cpuMs ? 'slow' : undefined;
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function isTooLarge(): boolean {
  return peakBytes() - baseBytes > LIMIT.addedBytes;
}

function stackOf({ failure, cpuMs, signature }: Ending): string {
  return failure instanceof Error ? (failure.stack ?? failure.message) : `${Math.round(cpuMs)} ms; ${signature}`;
}
