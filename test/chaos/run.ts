// `npm run test:chaos`: a whole cluster under load while everything that can break is broken, and then the count.
//
//   npm run test:chaos                        20,000 jobs, about ten minutes
//   npm run test:chaos -- --jobs 1500         about a minute
//   npm run test:chaos -- --seed 7            the same plan again
//   npm run test:chaos -- --only "redis flushed" --only "worker killed"
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ACTIONS, type ActionName } from './actions.ts';
import { runCampaign } from './campaign.ts';
import { planSchedule } from './nemesis.ts';
import { seededRandom } from './random.ts';
import { renderReport } from './report.ts';
import { planWorkload } from './workload.ts';

const LOG_FOLDER = path.join(import.meta.dirname, '../../.guestkit/chaos');
const FULL_JOBS = 20_000;
/** Of a full run, and of the shortest that makes sense. */
const TOTAL_MS = [45_000, 420_000] as const;
const LONGEST_MS = [6_000, 60_000] as const;

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: String(FULL_JOBS) },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    only: { type: 'string', multiple: true },
  },
});

const say = (text: string) => process.stdout.write(`chaos: ${text}\n`);
process.exitCode = (await chaos(Number(values.jobs), values.seed, values.only)) ? 0 : 1;

async function chaos(jobs: number, seed: string, only: readonly string[] | undefined): Promise<boolean> {
  mkdirSync(LOG_FOLDER, { recursive: true });
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
    plan: ({ image }) => planWorkload({ jobs, random: random.fork('workload'), image }),
    settleMs: 120_000,
  });
  process.stdout.write(`\n${renderReport(outcome)}\nseed ${seed}, log of all operations: ${logFile}\n`);
  return outcome.findings.length === 0;
}

function between([least, most]: readonly [number, number], share: number): number {
  return Math.round(least + (most - least) * share);
}

function actionName(text: string): ActionName {
  if (text in ACTIONS) return text as ActionName;
  throw new Error(`Cannot do "${text}": expected one of ${Object.keys(ACTIONS).join(', ')}`);
}
