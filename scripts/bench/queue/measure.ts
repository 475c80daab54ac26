import { median } from '../figures.ts';

/** Cumulated CPU in microseconds, by whose it is. */
export type Meters = Readonly<Record<string, () => number>>;

/** Of one round: jobs per second, and CPU microseconds per job by whose they are. */
export interface Measure {
  readonly rate: number;
  readonly cpu: Readonly<Record<string, number>>;
}

/** Runs work on a number of jobs and says what it took. */
export async function measure(jobs: number, meters: Meters, work: () => Promise<unknown>): Promise<Measure> {
  const before = readAll(meters);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  return { rate: jobs / seconds, cpu: perJob(jobs, before, readAll(meters)) };
}

export function readAll(meters: Meters): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(meters).map(([name, read]) => [name, read()]));
}

export function perJob(
  jobs: number,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, (value - (before[name] ?? 0)) / jobs]));
}

/** Runs the contestants in turns, so that what else the machine does meets all of them, and takes the medians. */
export async function inTurns<Name extends string>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<Measure>>>,
): Promise<Readonly<Record<Name, Measure>>> {
  const names = Object.keys(contestants) as Name[];
  const measures = new Map<Name, Measure[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) measures.get(name)?.push(await contestants[name]());
  }
  return Object.fromEntries(names.map((name) => [name, medianOf(measures.get(name) ?? [])])) as Record<Name, Measure>;
}

export function totalCpu({ cpu }: Measure): number {
  return Object.values(cpu).reduce((sum, value) => sum + value, 0);
}

function medianOf(measures: readonly Measure[]): Measure {
  const names = Object.keys(measures[0]?.cpu ?? {});
  const cpu = names.map((name) => [name, median(measures.map((each) => each.cpu[name] ?? 0))] as const);
  return { rate: median(measures.map(({ rate }) => rate)), cpu: Object.fromEntries(cpu) };
}

/** Calls `start` for 0, 1, … with so many under way at any time. */
export async function inFlight(width: number, count: number, start: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next;
      next += 1;
      await start(n);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
