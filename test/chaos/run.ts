// `npm run test:chaos`: a whole cluster under load while everything that can break is broken, and then the count.
//
//   npm run test:chaos                        20,000 jobs, about ten minutes
//   npm run test:chaos -- --jobs 1500         about a minute
//   npm run test:chaos -- --seed 7            the same plan again
//   npm run test:chaos -- --only "redis flushed" --only "worker killed"
//   npm run test:chaos -- --slow              half of the jobs take a while, and leave a file
//   npm run test:chaos -- --variants          clusters that are broken on purpose: each must be found out
//   npm run test:chaos -- --variant "NAME"    one of them
//   npm run test:chaos -- --controls          the same schedules with nothing broken: nothing may be found
//   npm run test:chaos -- --cancels           2,000 cancels in every state
//   npm run test:chaos -- --rebuild           100,000 waiting jobs, taken from Redis
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ACTIONS, type ActionName } from './actions.ts';
import { runCampaign } from './campaign.ts';
import { renderCancels, runCancels } from './cancels.ts';
import { planSchedule } from './nemesis.ts';
import { seededRandom } from './random.ts';
import { GOAL_MS, runRebuild } from './rebuild.ts';
import { renderReport } from './report.ts';
import { SLOW, VARIANTS } from './variants/catalogue.ts';
import { renderVerdicts, runVariants } from './variants/run.ts';
import { planWorkload } from './workload.ts';

const LOG_FOLDER = path.join(import.meta.dirname, '../../.guestkit/chaos');
const FULL_JOBS = 20_000;
const CANCELS = 2_000;
const REBUILT_JOBS = 100_000;
/** Of a full run, and of the shortest that makes sense. */
const TOTAL_MS = [45_000, 300_000] as const;
const LONGEST_MS = [6_000, 60_000] as const;

const { values } = parseArgs({
  options: {
    jobs: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    only: { type: 'string', multiple: true },
    variants: { type: 'boolean', default: false },
    variant: { type: 'string', multiple: true },
    controls: { type: 'boolean', default: false },
    slow: { type: 'boolean', default: false },
    cancels: { type: 'boolean', default: false },
    rebuild: { type: 'boolean', default: false },
  },
});

const say = (text: string) => process.stdout.write(`chaos: ${text}\n`);
mkdirSync(LOG_FOLDER, { recursive: true });
process.exitCode = (await run()) ? 0 : 1;

function run(): Promise<boolean> {
  const { seed, only, variant } = values;
  const jobs = (usual: number) => Number(values.jobs ?? usual);
  if (values.variants || values.controls || variant) return variants(seed, variant ?? Object.keys(VARIANTS));
  if (values.cancels) return cancels(jobs(CANCELS), seed);
  if (values.rebuild) return rebuild(jobs(REBUILT_JOBS), seed);
  return chaos(jobs(FULL_JOBS), seed, only);
}

async function chaos(jobs: number, seed: string, only: readonly string[] | undefined): Promise<boolean> {
  const logFile = path.join(LOG_FOLDER, `${seed}.ndjson`);
  const random = seededRandom(seed);
  const share = Math.min(1, jobs / FULL_JOBS);
  const schedule = planSchedule({
    random: random.fork('nemesis'),
    totalMs: between(TOTAL_MS, share),
    longestMs: between(LONGEST_MS, share),
    ...(only && { names: only.map(actionName) }),
  });
  say(`seed ${seed}: ${jobs} jobs, ${schedule.length} actions of the nemesis`);
  const outcome = await runCampaign({
    ...{ random, schedule, logFile, say },
    plan: ({ image }) =>
      planWorkload({ jobs, random: random.fork('workload'), image, ...(values.slow && { mix: SLOW }) }),
    settleMs: 60_000,
  });
  process.stdout.write(`\n${renderReport(outcome)}\nseed ${seed}, log of all operations: ${logFile}\n`);
  return outcome.findings.length === 0;
}

async function variants(seed: string, names: readonly string[]): Promise<boolean> {
  const logFileOf = (name: string) => path.join(LOG_FOLDER, `${seed}-${name.replaceAll(' ', '-')}.ndjson`);
  const verdicts = await runVariants({ seed, names, logFileOf, say, areControls: values.controls });
  process.stdout.write(`\n${renderVerdicts(verdicts)}`);
  return verdicts.every(({ isCaught }) => isCaught !== values.controls);
}

async function cancels(jobs: number, seed: string): Promise<boolean> {
  const logFile = path.join(LOG_FOLDER, `${seed}-cancels.ndjson`);
  const outcome = await runCancels({ jobs, seed, logFile, say });
  process.stdout.write(
    `\n${renderReport(outcome)}\nCancels met\n${renderCancels(outcome)
      .map((line) => `  ${line}\n`)
      .join('')}`,
  );
  process.stdout.write(`\nseed ${seed}, log of all operations: ${logFile}\n`);
  return outcome.findings.length === 0;
}

async function rebuild(jobs: number, seed: string): Promise<boolean> {
  const { tookMs, there, misplaced } = await runRebuild({ jobs, seed, say });
  say(`${there} of ${jobs} jobs were back after ${(tookMs / 1000).toFixed(1)} s`);
  if (misplaced) say(`out of order: ${misplaced[1]} is where ${misplaced[0]} should be`);
  return there === jobs && misplaced === undefined && tookMs <= GOAL_MS;
}

function between([least, most]: readonly [number, number], share: number): number {
  return Math.round(least + (most - least) * share);
}

function actionName(text: string): ActionName {
  if (text in ACTIONS) return text as ActionName;
  throw new Error(`Cannot do "${text}": expected one of ${Object.keys(ACTIONS).join(', ')}`);
}
