import type { ActionName } from '../actions.ts';
import type { FindingKind } from '../checker.ts';
import type { JobKind } from '../intent.ts';
import type { Patch } from './patch.ts';

/** A way to build the cluster wrong, and what it takes to see it. */
export interface Variant {
  readonly patches: readonly Patch[];
  /** What the nemesis does while it runs. */
  readonly actions: readonly ActionName[];
  readonly jobs?: number;
  readonly mix?: Readonly<Partial<Record<JobKind, number>>>;
  readonly longestHoldMs?: number;
  /** Of those that are cancelled. */
  readonly cancelShare?: number;
  /** Each of these shows it. */
  readonly caughtBy: readonly FindingKind[];
}

/** Half of the jobs take about a second, in a process of their own, and leave a file. */
export const SLOW: Readonly<Partial<Record<JobKind, number>>> = { echo: 500, stamp: 500, inspect: 0 };

const CORE = 'packages/core/src';

/** A worker that goes on with an attempt, although its lock is lost; by itself that does no harm. */
const HOLDS_ON: readonly Patch[] = [
  {
    file: `${CORE}/queue/bullmq-consumer.ts`,
    search: "for (const jobId of jobIds) this.#worker.cancelJob(jobId, 'the lock of the job is lost');",
    replacement: 'void jobIds;',
  },
  {
    file: `${CORE}/queue/bullmq-consumer.ts`,
    search: 'const isHeld = () => performance.now() < (this.#heldUntilMs.get(jobId) ?? 0);',
    replacement: 'const isHeld = () => true;',
  },
];

const PUBLISHES_UNASKED: Patch = {
  file: 'apps/worker/src/attempt/publication.ts',
  search: 'return (await askUntilAnswered(() => fence.holds(claim), signal)) ?? false;',
  replacement: 'return true;',
};

export const VARIANTS: Readonly<Record<string, Variant>> = {
  'acknowledges before the commit': {
    patches: [
      {
        file: `${CORE}/history/sql-history.ts`,
        search: 'return this.#acceptances.add(toNewJob(job));',
        replacement: `const newJob = toNewJob(job);
    this.#acceptances.add(newJob).catch(() => {});
    return { outcome: 'created', job: toNewRecord(newJob) };`,
      },
    ],
    actions: ['postgres killed', 'api killed', 'postgres restarted'],
    caughtBy: ['lost'],
  },
  'records after it has told the stream so': {
    patches: [
      {
        file: `${CORE}/coordination/redis/event-reader.ts`,
        search: `await record(events.slice(at, at + batchSize));
    await this.#drop(portion.map((entry) => entry.id));`,
        replacement: `{
      await this.#drop(portion.map((entry) => entry.id));
      await record(events.slice(at, at + batchSize));
    }`,
      },
    ],
    actions: ['postgres killed', 'all api nodes killed', 'postgres restarted', 'api killed'],
    caughtBy: ['events missing', 'stuck'],
  },
  'drops the events of a batch that cannot be written': {
    patches: [
      {
        file: `${CORE}/history/recorder.ts`,
        search: 'await history.record(events);',
        replacement: 'await history.record(events).catch(onError);',
      },
    ],
    actions: ['postgres killed', 'postgres restarted'],
    caughtBy: ['events missing', 'stuck'],
  },
  'does not look whether the idempotency key is known': {
    patches: [
      {
        file: `${CORE}/history/rows.ts`,
        search: 'if (key === undefined || ',
        replacement: 'return null;\n  if (key === undefined || ',
      },
    ],
    actions: ['api killed'],
    caughtBy: ['doubled', 'conflict accepted'],
  },
  'lets final states move': {
    patches: [
      {
        file: `${CORE}/history/standing.ts`,
        search: 'return !isFinal(standing.status) && ',
        replacement: 'return ',
      },
      {
        file: `${CORE}/history/standing.ts`,
        search: 'const place = isFinal(standing.status) || !isNews ? standing',
        replacement: 'const place = !isNews ? standing',
      },
    ],
    actions: ['redis set back', 'redis set back', 'redis set back'],
    caughtBy: ['ended twice', 'end moved', 'stuck'],
  },
  'gives up a job whose worker vanished twice': {
    patches: [
      {
        file: `${CORE}/queue/bullmq-consumer.ts`,
        search: 'maxStalledCount: Number.MAX_SAFE_INTEGER',
        replacement: 'maxStalledCount: 1',
      },
    ],
    actions: ['all workers killed', 'all workers killed', 'all workers killed', 'all workers killed'],
    mix: SLOW,
    caughtBy: ['stuck', 'wrong end', 'lost'],
  },
  'does not look for jobs of workers that vanished': {
    patches: [
      {
        file: `${CORE}/queue/bullmq-consumer.ts`,
        search: 'stalledInterval: stalledCheckMs,',
        replacement: 'skipStalledCheck: true,',
      },
    ],
    actions: ['worker killed', 'all workers killed'],
    mix: SLOW,
    caughtBy: ['stuck'],
  },
  'answers one job with the result of another': {
    patches: [
      {
        file: 'packages/operations/src/echo/run.ts',
        search: 'return { echo: payload,',
        replacement: `const known = globalThis as { answers?: unknown[] };
  known.answers = [payload, ...(known.answers ?? [])].slice(0, 50);
  return { echo: known.answers.length < 50 ? payload : known.answers[49],`,
      },
    ],
    actions: ['worker killed'],
    caughtBy: ['wrong result'],
  },
  'never carries what was not enqueued': {
    patches: [
      {
        file: `${CORE}/history/outbox.ts`,
        search: 'const look = () => history.notEnqueued(acceptedBeforeMs, batchSize);',
        replacement: 'const look = async () => (await history.notEnqueued(acceptedBeforeMs, batchSize)).slice(0, 0);',
      },
      {
        file: `${CORE}/history/reconcile/disagreement.ts`,
        search: "< GRACE_MS ? undefined : 'not-enqueued'",
        replacement: '< GRACE_MS ? undefined : undefined',
      },
    ],
    actions: ['redis away', 'api killed between commit and enqueue'],
    caughtBy: ['stuck'],
  },
  'never compares history with the queue': {
    patches: [
      {
        file: 'apps/api/src/duties.ts',
        search: '...parts.reconciler.duties',
        replacement: '...parts.reconciler.duties.slice(0, 0)',
      },
    ],
    actions: ['redis flushed', 'redis flushed'],
    mix: SLOW,
    caughtBy: ['stuck'],
  },
  'numbers attempts from one again after a flush': {
    patches: [
      {
        file: `${CORE}/history/attempts-before.ts`,
        search: 'attemptsBefore: Math.max(0, ...attempts.map(({ attempt }) => attempt)),',
        replacement: 'attemptsBefore: 0,',
      },
    ],
    actions: ['redis flushed', 'redis flushed', 'redis flushed'],
    mix: SLOW,
    caughtBy: ['attempt repeated'],
  },
  'brings ended jobs back to the queue': {
    patches: [
      {
        file: `${CORE}/history/sql-unfinished.ts`,
        search: `.where(IS_UNFINISHED)
    .where('status', '=', status)`,
        replacement: ".where('status', 'in', status === 'pending' ? ['pending', 'completed'] : [status])",
      },
      {
        file: `${CORE}/history/sql-unfinished.ts`,
        search: `.where('id', 'in', positions)
    .where('status', 'in', UNFINISHED_STATES)`,
        replacement: ".where('id', 'in', positions)",
      },
      {
        file: `${CORE}/history/bring-to-queue.ts`,
        search: 'await takeOutEnded(tenant, group, parts);',
        replacement: '',
      },
      {
        file: `${CORE}/history/reconcile/rebuild.ts`,
        search: 'for await (const _found of sweepQueues(',
        replacement: 'if (false) for await (const _found of sweepQueues(',
      },
    ],
    actions: ['redis flushed', 'redis flushed', 'redis flushed', 'redis flushed', 'redis flushed'],
    caughtBy: ['run after its end'],
  },
  'publishes without asking the fence': {
    patches: [...HOLDS_ON, PUBLISHES_UNASKED],
    actions: ['worker stopped', 'worker stopped', 'worker stopped', 'worker stopped'],
    mix: SLOW,
    caughtBy: ['wrong output'],
  },
  'accepts the end of an attempt that was overtaken': {
    patches: [
      ...HOLDS_ON,
      // or else it would have nothing to tell
      PUBLISHES_UNASKED,
      {
        file: `${CORE}/history/standing.ts`,
        search: ' && event.attempt >= standing.attempt',
        replacement: '',
      },
      {
        file: `${CORE}/coordination/redis/event-stream.ts`,
        search: "if known ~= ARGV[1] then return 'overtaken' end",
        replacement: '',
      },
    ],
    actions: ['worker stopped', 'worker stopped', 'worker stopped'],
    mix: SLOW,
    longestHoldMs: 8_000,
    caughtBy: ['overtaken attempt accepted'],
  },
  'leaves the fence open after the end of a job': {
    patches: [
      {
        file: `${CORE}/coordination/redis/event-stream.ts`,
        search: "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])",
        replacement: '',
      },
      // by itself harmless: what comes between the stream and the queue hears of the end is met more often
      {
        file: 'apps/worker/src/attempt/run-attempt.ts',
        search: 'const refusal = await this.#finish(result);',
        replacement: `const refusal = await this.#finish(result);
    await new Promise((resolve) => setTimeout(resolve, 500));`,
      },
    ],
    actions: ['all workers killed', 'all workers killed', 'redis silent', 'all workers killed', 'all workers killed'],
    mix: SLOW,
    caughtBy: ['wrong output'],
  },
  'tells of a failure before the queue has counted it': {
    patches: [
      {
        file: 'apps/worker/src/attempt/run-attempt.ts',
        search: "return { kind: 'failed', retry: true, delayMs: next.delayMs, reason: reasonOf(error), onCounted };",
        replacement: `onCounted();
    return { kind: 'failed', retry: true, delayMs: next.delayMs, reason: reasonOf(error) };`,
      },
    ],
    actions: ['redis silent', 'worker stopped', 'redis silent', 'worker stopped', 'redis silent', 'worker stopped'],
    mix: { echo: 200, crash: 800, stamp: 0, inspect: 0 },
    caughtBy: ['wrong count of attempts'],
  },
  'keeps the result of whoever comes last': {
    patches: [
      {
        file: `${CORE}/history/standing.ts`,
        search: "if (event.type === 'finished' && !mayFinish(standing, event)) return standing;",
        replacement:
          "if (event.type === 'finished' && !mayFinish(standing, event)) return { ...standing, result: event.result };",
      },
      {
        file: `${CORE}/history/write-events.ts`,
        search: 'from news where true on conflict do nothing`',
        replacement:
          "from news where true on conflict ` + (table === 'results' ? '(job) do update set document = excluded.document' : 'do nothing')",
      },
    ],
    actions: ['redis set back', 'redis set back', 'redis set back', 'all workers killed'],
    mix: SLOW,
    caughtBy: ['wrong result', 'ended twice', 'wrong output'],
  },
  'keeps a wish to cancel in Redis only': {
    patches: [
      {
        file: `${CORE}/history/sql-cancellation.ts`,
        search:
          "await trx.updateTable('jobs').set(wish).where('id', '=', row.id).where('cancel_requested_at', 'is', null).execute();",
        replacement: '',
      },
    ],
    actions: ['redis away', 'redis away', 'redis flushed'],
    jobs: 200,
    mix: { echo: 500, deaf: 250, parked: 250, stamp: 0, inspect: 0 },
    caughtBy: ['stuck'],
  },
};
