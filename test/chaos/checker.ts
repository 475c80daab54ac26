import type { FinalJob, FinalState } from './final-state.ts';
import { destinationOf, type Intent, isRepeatable, nameOf } from './intent.ts';
import type { Completion, Invocation, LogLine } from './op-log.ts';

// Judges a run by what clients were told and what is left: whether each accepted job is there, has ended, has ended once, and as
// its content demands. It knows nothing of how the cluster works.

export type FindingKind =
  /** Accepted, and not there. */
  | 'lost'
  /** There, and without an end. */
  | 'stuck'
  /** Two jobs where one was asked for. */
  | 'doubled'
  /** A job that nobody asked for, or that was refused. */
  | 'phantom'
  /** Not the content that was posted. */
  | 'altered'
  | 'conflict accepted'
  | 'refused without reason'
  /** An end that the content does not lead to. */
  | 'wrong end'
  | 'wrong result'
  | 'wrong output'
  /** It had ended, and then was seen in another state. */
  | 'end moved'
  | 'ended twice'
  /** One number for two attempts. */
  | 'attempt repeated'
  | 'overtaken attempt accepted'
  /** Again and again: once may be owed to a worker that died before the queue heard of the end. */
  | 'run after its end'
  | 'wrong count of attempts'
  | 'cancel not kept'
  | 'cancelled by nobody'
  | 'events missing'
  /** SQL says this and an API node that. */
  | 'contradiction'
  | 'left behind';

export interface Finding {
  readonly kind: FindingKind;
  readonly job_id?: string | undefined;
  readonly message: string;
}

/** Something that a client did, from its beginning to its end. */
interface Operation extends Invocation {
  readonly outcome: Completion | undefined;
}

interface Case {
  readonly intent: Intent;
  readonly submissions: readonly Operation[];
  readonly conflicts: readonly Operation[];
  readonly cancels: readonly Operation[];
  readonly observations: readonly Operation[];
  readonly jobs: readonly FinalJob[];
  readonly outputs: FinalState['outputs'];
  /** When Redis last may have lost events. */
  readonly eventsSafeFromMs: number;
  /** When Redis may have lost what only it knew. */
  readonly lossesMs: readonly number[];
  /** A queue that was set back gives numbers again that it had given; history tells them apart. */
  readonly wasSetBack: boolean;
}

const FINAL: readonly string[] = ['completed', 'failed', 'cancelled', 'timeout'];
const RULES: readonly ((judged: Case) => readonly Finding[])[] = [
  isThere,
  isOne,
  wasAskedFor,
  isUnchanged,
  isRefusedWithReason,
  conflictIsRefused,
  hasEnded,
  endedAsItShould,
  isShownTheSame,
  endDidNotMove,
  endedOnce,
  attemptsAreNumbered,
  acceptedAttemptWasNotOvertaken,
  attemptsAreCounted,
  restsAfterItsEnd,
  resultIsRight,
  outputIsRight,
  cancelIsKept,
  eventsAreComplete,
];

export function check(log: readonly LogLine[], final: FinalState): readonly Finding[] {
  const cases = casesOf(log, final);
  const names = new Set(cases.map(({ intent }) => nameOf(intent.n)));
  const strangers = final.jobs.filter(({ name }) => name === null || !names.has(name));
  return [
    ...cases.flatMap((judged) => RULES.flatMap((rule) => rule(judged))),
    ...strangers.map((job) => finding('phantom', job, 'nobody asked for it')),
    ...final.leftovers.map((message): Finding => ({ kind: 'left behind', message })),
  ];
}

function casesOf(log: readonly LogLine[], final: FinalState): readonly Case[] {
  const completions = new Map<number, Completion>();
  for (const line of log) if (isCompletion(line)) completions.set(line.op, line);
  const operations = log
    .filter((line) => line.type === 'invoke')
    .map((invocation): Operation => ({ ...invocation, outcome: completions.get(invocation.op) }));
  const ofIntent = Map.groupBy(operations, ({ intent }) => intent);
  const jobsByName = Map.groupBy(final.jobs, ({ name }) => name);
  const lossesMs = timesOfLoss(log);
  const eventsSafeFromMs = Math.max(0, ...lossesMs);
  const wasSetBack = log.some((line) => line.type === 'nemesis' && line.action === 'redis set back');
  return log
    .filter((line) => line.type === 'intent')
    .map(({ intent }): Case => {
      const of = (what: Invocation['what']) => (ofIntent.get(intent.n) ?? []).filter((done) => done.what === what);
      return {
        intent,
        submissions: of('submit'),
        conflicts: of('conflict'),
        cancels: of('cancel'),
        observations: of('observe'),
        jobs: jobsByName.get(nameOf(intent.n)) ?? [],
        outputs: final.outputs,
        ...{ eventsSafeFromMs, lossesMs, wasSetBack },
      };
    });
}

function isCompletion(line: LogLine): line is Completion {
  return line.type === 'ok' || line.type === 'fail' || line.type === 'unknown';
}

/** The log says of each action whether it may cost events. */
function timesOfLoss(log: readonly LogLine[]): readonly number[] {
  return log.filter((line) => line.type === 'nemesis' && line.facts?.losesEvents === true).map(({ at }) => at);
}

function finding(kind: FindingKind, { job_id }: { readonly job_id?: string }, message: string): Finding {
  return { kind, job_id, message };
}

function isThere({ intent, submissions, jobs }: Case): readonly Finding[] {
  return acknowledged(submissions)
    .filter((jobId) => !jobs.some(({ job_id }) => job_id === jobId))
    .map((job_id) =>
      finding('lost', { job_id }, `it was accepted (${intent.kind} ${intent.n}), and is not in the database`),
    );
}

function isOne({ intent, submissions, jobs }: Case): readonly Finding[] {
  const told = acknowledged(submissions);
  const [first, second] = told;
  return [
    ...(isRepeatable(intent) && second !== undefined
      ? [finding('doubled', { job_id: second }, `clients were told of "${first}" and of "${second}" for one intent`)]
      : []),
    ...(jobs.length > mostJobs(intent, submissions)
      ? [finding('doubled', jobs[1] ?? {}, `${jobs.length} jobs came of intent ${intent.n}`)]
      : []),
  ];
}

/** Without a name of its own, each request that may have arrived may have made one. */
function mostJobs(intent: Intent, submissions: readonly Operation[]): number {
  if (isRepeatable(intent)) return 1;
  return submissions.filter(({ outcome }) => outcome?.type !== 'fail').length;
}

function wasAskedFor({ submissions, jobs }: Case): readonly Finding[] {
  if (jobs.length === 0 || submissions.some(({ outcome }) => outcome?.type !== 'fail')) return [];
  return jobs.map((job) => finding('phantom', job, 'every request for it was refused'));
}

function isUnchanged({ intent, jobs }: Case): readonly Finding[] {
  const { job_id, operation, payload, execution } = intent.job;
  return jobs.flatMap((job) => [
    ...(isAlike(job.payload, payload.data) ? [] : [finding('altered', job, 'its payload is not what was posted')]),
    ...(job.operation === operation ? [] : [finding('altered', job, `its operation is ${job.operation}`)]),
    ...(job.idempotency_key === (execution.idempotency_key ?? null)
      ? []
      : [finding('altered', job, `its idempotency key is ${job.idempotency_key}`)]),
    ...(job.max_attempts === (execution.max_attempts ?? 1)
      ? []
      : [finding('altered', job, `its max_attempts is ${job.max_attempts}`)]),
    ...(job_id === undefined || job.job_id === job_id ? [] : [finding('altered', job, `its id should be ${job_id}`)]),
  ]);
}

/** Every request of ours is one that can be accepted. */
function isRefusedWithReason({ submissions }: Case): readonly Finding[] {
  return submissions
    .filter(({ outcome }) => outcome?.type === 'fail' && outcome.status !== undefined)
    .map(({ outcome }) =>
      finding('refused without reason', outcome ?? {}, `${outcome?.status} ${outcome?.code}: ${outcome?.message}`),
    );
}

function conflictIsRefused({ conflicts }: Case): readonly Finding[] {
  return conflicts
    .filter(({ outcome }) => outcome?.type === 'ok')
    .map(({ outcome }) =>
      finding('conflict accepted', outcome ?? {}, 'other content was accepted under the same name'),
    );
}

function hasEnded({ jobs }: Case): readonly Finding[] {
  return jobs
    .filter(({ status }) => !FINAL.includes(status))
    .map((job) => finding('stuck', job, `it is ${job.status}, ${attemptsText(job)}`));
}

const ENDS: Readonly<Record<Intent['kind'], readonly string[]>> = {
  echo: ['completed'],
  stamp: ['completed'],
  inspect: ['completed'],
  absent: ['failed IMAGE_NOT_FOUND'],
  crash: ['failed ATTEMPT_CRASHED'],
  // a jail may be killed in its place before the time is up
  spin: ['timeout TIMEOUT', 'failed ATTEMPT_CRASHED'],
  // by a cancel only
  deaf: [],
  parked: [],
};

function endedAsItShould({ intent, jobs, cancels }: Case): readonly Finding[] {
  return ended(jobs).flatMap((job) => {
    if (job.status === 'cancelled') {
      const asked = cancels.some(({ outcome }) => outcome?.type !== 'fail');
      return asked ? [] : [finding('cancelled by nobody', job, 'no cancel can have reached it')];
    }
    const end = [job.status, job.result?.error?.code].filter((part) => part !== undefined).join(' ');
    if (ENDS[intent.kind].includes(end)) return [];
    return [
      finding('wrong end', job, `${intent.kind} ended as "${end}": ${job.result?.error?.message ?? attemptsText(job)}`),
    ];
  });
}

function isShownTheSame({ jobs }: Case): readonly Finding[] {
  return jobs.flatMap((job) => [
    ...(job.shown.length > 0 ? [] : [finding('contradiction', job, 'it is in the database and no API node shows it')]),
    ...job.shown
      .filter(({ status }) => status !== job.status)
      .map(({ node, status }) => finding('contradiction', job, `${node} shows ${status}, the database ${job.status}`)),
    ...(job.result === undefined || job.result.status === job.status
      ? []
      : [finding('contradiction', job, `its result says ${job.result.status}, the database ${job.status}`)]),
  ]);
}

/** By all who looked, and by the last look of all. */
function endDidNotMove({ observations, jobs }: Case): readonly Finding[] {
  return jobs.flatMap((job) => {
    const seen = observations
      .filter(({ job_id, outcome }) => job_id === job.job_id && outcome?.type === 'ok')
      .sort((a, b) => (a.outcome?.at ?? 0) - (b.outcome?.at ?? 0));
    const states = [...seen.map(({ outcome }) => outcome?.state ?? ''), job.status];
    const end = states.findIndex((state) => FINAL.includes(state));
    const moved = end < 0 ? undefined : states.slice(end).find((state) => state !== states[end]);
    return moved === undefined ? [] : [finding('end moved', job, `it was ${states[end]}, and then ${moved}`)];
  });
}

function endedOnce({ jobs }: Case): readonly Finding[] {
  return jobs.flatMap((job) => {
    const ends = job.events.filter(({ type }) => type === 'finished').length;
    const accepted = job.attempts.filter(({ outcome }) => outcome === 'completed').length;
    return ends > 1 || accepted > 1
      ? [finding('ended twice', job, `history has ${ends} ends of it, and ${accepted} attempts that completed it`)]
      : [];
  });
}

/** One attempt is one worker's, and so are its events. */
function attemptsAreNumbered({ jobs, wasSetBack, lossesMs }: Case): readonly Finding[] {
  if (wasSetBack) return [];
  return jobs.flatMap((job) => {
    // the end of a job that nobody ran has no worker
    const told = Map.groupBy(
      job.events.filter(({ worker_id }) => worker_id !== ''),
      ({ attempt }) => attempt,
    );
    return [...told].flatMap(([attempt, events]) => {
      const workers = new Set(events.map(({ worker_id }) => worker_id));
      const startsMs = events.filter(({ type }) => type === 'assigned').map(({ timestamp }) => Date.parse(timestamp));
      const starts = startsMs.length;
      return (workers.size > 1 || starts > 1) && !wasForgotten(startsMs, lossesMs)
        ? [
            finding(
              'attempt repeated',
              job,
              `attempt ${attempt} was begun ${starts} times, by ${[...workers].join(' and ')}`,
            ),
          ]
        : [];
    });
  });
}

/** How long the start of an attempt may be known to Redis alone. */
const RECORDING_MS = 3_000;

/** The number of an attempt that Redis forgot before history was told of it goes to the next one; history tells them apart by their tokens. */
function wasForgotten(startsMs: readonly number[], lossesMs: readonly number[]): boolean {
  const lastMs = Math.max(...startsMs);
  return lossesMs.some((lossMs) =>
    startsMs.some((startMs) => startMs < lastMs && startMs <= lossMs && startMs > lossMs - RECORDING_MS),
  );
}

/** Clocks are alike on one machine, but recorders may write in another order than workers tell. */
const OVERTAKING_MS = 1_500;

function acceptedAttemptWasNotOvertaken({ jobs }: Case): readonly Finding[] {
  return jobs.flatMap((job) => {
    const end = job.events.find(({ type, worker_id }) => type === 'finished' && worker_id !== '');
    if (end === undefined) return [];
    const later = job.events.find(
      ({ type, attempt, timestamp }) =>
        type === 'assigned' &&
        attempt > end.attempt &&
        Date.parse(timestamp) + OVERTAKING_MS < Date.parse(end.timestamp),
    );
    if (later === undefined) return [];
    const message = `attempt ${end.attempt} ended it at ${end.timestamp}, attempt ${later.attempt} had begun at ${later.timestamp}`;
    return [finding('overtaken attempt accepted', job, message)];
  });
}

/**
 * Those that failed count, those whose worker vanished do not; an attempt of which nothing more was heard, or nothing at all because
 * Redis lost it, may have been either.
 */
function attemptsAreCounted({ intent, jobs, lossesMs }: Case): readonly Finding[] {
  if (intent.kind !== 'crash') return [];
  return ended(jobs).flatMap((job) => {
    if (job.status === 'cancelled') return [];
    const failed = job.attempts.filter(({ outcome }) => outcome === 'retry' || outcome === 'failed').length;
    const unclear = job.attempts.filter(({ outcome }) => outcome === 'lost' || outcome === 'running').length;
    const startsMs = job.attempts.map(({ started_at }) => Date.parse(started_at));
    const wasLost = lossesMs.some((lossMs) => startsMs.some((startMs) => Math.abs(startMs - lossMs) < RECORDING_MS));
    const unheard = wasLost ? Math.max(...job.attempts.map(({ attempt }) => attempt)) - job.attempts.length : 0;
    const isRight = failed <= job.max_attempts && failed + unclear + unheard >= job.max_attempts;
    return isRight
      ? []
      : [finding('wrong count of attempts', job, `${job.max_attempts} may fail, ${attemptsText(job)}`)];
  });
}

const MOST_RUNS_AFTER_END = 2;

function restsAfterItsEnd({ jobs }: Case): readonly Finding[] {
  return jobs.flatMap((job) => {
    const end = job.events.find(({ type }) => type === 'finished');
    if (end === undefined) return [];
    const again = job.events.filter(({ type, timestamp }) => type === 'assigned' && timestamp > end.timestamp);
    return again.length > MOST_RUNS_AFTER_END
      ? [finding('run after its end', job, `${again.length} attempts began after it had ended`)]
      : [];
  });
}

function resultIsRight({ intent, jobs }: Case): readonly Finding[] {
  return ended(jobs).flatMap((job) => {
    if (job.result === undefined) return [finding('wrong result', job, 'it has ended without a result')];
    if (job.result.job_id !== job.job_id) return [finding('wrong result', job, `it is that of ${job.result.job_id}`)];
    if (job.status !== 'completed') return [];
    const { execution_summary, data } = job.result;
    const [end] = job.events.filter(({ type }) => type === 'finished');
    if (end !== undefined && end.attempt !== execution_summary.attempt) {
      const message = `attempt ${end.attempt} ended the job, the result is that of ${execution_summary.attempt}`;
      return [finding('wrong result', job, message)];
    }
    return isAnswer(intent, data)
      ? []
      : [finding('wrong result', job, `it is not the answer to ${intent.kind} ${intent.n}`)];
  });
}

function isAnswer({ kind, job }: Intent, data: unknown): boolean {
  const posted = job.payload.data as { readonly text?: string };
  const answer = (data ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'echo') return isAlike(answer.echo, posted);
  if (kind === 'stamp') return answer.text === posted.text && typeof answer.stamp === 'string';
  const { inspect } = answer as { readonly inspect?: { readonly operating_system?: { readonly hostname?: unknown } } };
  return inspect?.operating_system?.hostname === 'small-guest';
}

/** The file is that of the attempt which history accepted, whole. */
function outputIsRight({ intent, jobs, outputs }: Case): readonly Finding[] {
  const destination = destinationOf(intent);
  if (destination === undefined) return [];
  return jobs
    .filter(({ status }) => status === 'completed')
    .flatMap((job) => {
      if (!outputs.has(destination)) return [finding('wrong output', job, `${destination} was not written`)];
      const written = outputs.get(destination) as { readonly stamp?: unknown };
      const { stamp } = (job.result?.data ?? {}) as { readonly stamp?: unknown };
      if (written === null || typeof written !== 'object')
        return [finding('wrong output', job, `${destination} is not whole`)];
      return intent.kind === 'stamp' && written.stamp !== stamp
        ? [finding('wrong output', job, `${destination} is of another attempt than the result`)]
        : [];
    });
}

function cancelIsKept({ jobs, cancels }: Case): readonly Finding[] {
  return jobs.flatMap((job) => {
    const kept = cancels.find(({ outcome }) => outcome?.type === 'ok' && outcome.state === 'cancelled');
    return kept === undefined || job.status === 'cancelled'
      ? []
      : [finding('cancel not kept', job, `a client was told that it is cancelled, and it is ${job.status}`)];
  });
}

/** The attempt that ended the job told of everything, from its beginning: where Redis lost nothing meanwhile. */
function eventsAreComplete({ jobs, submissions, eventsSafeFromMs }: Case): readonly Finding[] {
  const begunMs = Math.min(...submissions.map(({ at }) => at));
  if (begunMs < eventsSafeFromMs) return [];
  return jobs.flatMap((job) => {
    const end = job.events.find(({ type, worker_id }) => type === 'finished' && worker_id !== '');
    if (end === undefined) return [];
    const told = job.events.filter(({ attempt, worker_id }) => attempt === end.attempt && worker_id === end.worker_id);
    const first = Math.min(...told.map(({ sequence }) => sequence));
    const expected = end.sequence - first + 1;
    const isWhole = told.filter(({ sequence }) => sequence <= end.sequence).length === expected;
    const hasBeginning = told.some(({ type }) => type === 'assigned');
    return isWhole && hasBeginning
      ? []
      : [finding('events missing', job, `${told.length} of ${expected} events of its last attempt`)];
  });
}

function acknowledged(submissions: readonly Operation[]): readonly string[] {
  const ids = submissions.flatMap(({ outcome }) => (outcome?.type === 'ok' && outcome.job_id ? [outcome.job_id] : []));
  return [...new Set(ids)];
}

function ended(jobs: readonly FinalJob[]): readonly FinalJob[] {
  return jobs.filter(({ status }) => FINAL.includes(status));
}

function attemptsText({ attempts }: FinalJob): string {
  if (attempts.length === 0) return 'without an attempt';
  return `attempts: ${attempts.map(({ attempt, outcome, worker_id }) => `${attempt} ${outcome} on ${worker_id}`).join(', ')}`;
}

/** As JSON, whatever the order of members. */
function isAlike(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
