import { quantile } from '../../scripts/bench/figures.ts';
import type { ActionName } from './actions.ts';
import { type Outcome, runCampaign } from './campaign.ts';
import type { FinalJob } from './final-state.ts';
import { planSchedule } from './nemesis.ts';
import type { LogLine } from './op-log.ts';
import { seededRandom } from './random.ts';
import { planWorkload } from './workload.ts';

export interface CancelsOptions {
  readonly jobs: number;
  readonly seed: string;
  readonly logFile: string;
  readonly say: (text: string) => void;
}

/** Everything that a cancel can meet: what waits, for a worker, for a retry or for ever; what runs, listening to TERM or not; what ends by itself. */
const MIX = { echo: 250, stamp: 200, inspect: 100, crash: 150, spin: 100, deaf: 100, parked: 100, absent: 0 } as const;
const FAULTS: readonly ActionName[] = [
  'worker killed',
  'api killed',
  'redis killed',
  'worker stopped',
  'redis flushed',
  'leader killed',
  'postgres restarted',
  'redis away',
];
const TOTAL_MS = 120_000;
const LONGEST_MS = 8_000;
const LONGEST_CANCEL_MS = 6_000;
const SPIN_SECONDS = 3_600;

/** Cancels every job at a moment of chance, from both API nodes, while the cluster has faults. */
export function runCancels({ jobs, seed, logFile, say }: CancelsOptions): Promise<Outcome> {
  const random = seededRandom(`cancels/${seed}`);
  return runCampaign({
    ...{ random, logFile, say, settleMs: 60_000 },
    schedule: planSchedule({ random: random.fork('nemesis'), names: FAULTS, totalMs: TOTAL_MS, longestMs: LONGEST_MS }),
    plan: ({ image }) =>
      planWorkload({
        ...{ jobs, image, random: random.fork('workload'), mix: MIX },
        ...{ cancelShare: 1, longestCancelMs: LONGEST_CANCEL_MS, spinSeconds: SPIN_SECONDS },
      }),
  });
}

/** Whom the cancels met, and what came of it. */
export function renderCancels({ log, final }: Outcome): readonly string[] {
  const askedMs = new Map<number, number>();
  for (const line of log) if (isCancel(line) && !askedMs.has(line.intent)) askedMs.set(line.intent, line.at);
  const met = final.jobs.map((job) => {
    const at = askedMs.get(numberOf(job));
    return at === undefined ? 'never asked' : `${stateAt(job, at)}, then ${job.status}`;
  });
  const counts = [...Map.groupBy(met, (text) => text)].map(([text, group]) => `${group.length} ${text}`).sort();
  const waits = final.jobs.flatMap((job) => waitOf(job, askedMs.get(numberOf(job)))).sort((a, b) => a - b);
  const [median, slow] = [quantile(waits, 0.5), quantile(waits, 0.99)];
  return [
    ...counts,
    `from the wish to the end of ${waits.length} endless loops that ran: p50 ${median} ms, p99 ${slow} ms`,
  ];
}

/** Of a loop that ends by TERM: what it takes to tell its worker, and to tell of the end. */
function waitOf(job: FinalJob, askedMs: number | undefined): readonly number[] {
  const end = job.events.find(({ type, worker_id }) => type === 'finished' && worker_id !== '');
  if (askedMs === undefined || end === undefined || job.operation !== 'chaos.spin' || stateAt(job, askedMs) !== 'ran')
    return [];
  return [Date.parse(end.timestamp) - askedMs];
}

function numberOf({ name }: FinalJob): number {
  return Number(name?.replace('chaos-', ''));
}

function isCancel(line: LogLine): line is Extract<LogLine, { type: 'invoke' }> {
  return line.type === 'invoke' && line.what === 'cancel';
}

/** By its events. */
function stateAt({ events }: FinalJob, atMs: number): string {
  const last = events.filter(({ timestamp }) => Date.parse(timestamp) <= atMs).at(-1);
  if (last === undefined) return 'waited';
  return { released: 'waited for a retry', finished: 'had ended', assigned: 'was assigned' }[last.type] ?? 'ran';
}
