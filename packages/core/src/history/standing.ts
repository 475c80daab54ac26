import { type FinishedEvent, type JobEvent, sequenceOf } from '../job/event.ts';
import type { JobError, ResultDocument } from '../job/result.ts';
import { isFinal, type JobState } from '../job/state.ts';
import type { AttemptRecord } from './job-history.ts';

/** What the events of a job amount to. */
export interface Standing {
  readonly status: JobState;
  readonly detail: string | null;
  readonly attempt: number;
  readonly worker_id: string | null;
  readonly completed_at: string | null;
  readonly error: JobError | null;
  readonly result: ResultDocument | null;
  /** The highest sequence among the events; -1 before the first. */
  readonly lastSequence: number;
  /** In order of their numbers. */
  readonly attempts: readonly KnownAttempt[];
}

/** What clients see of an attempt, and what tells it from others. */
export interface KnownAttempt extends AttemptRecord {
  readonly token: string | null;
  /** The place of its first event in this history. */
  readonly first_sequence: number;
}

/**
 * The standing after one more event. Events may come repeatedly and in any order, because several recorders read one stream: the
 * newest decides where the job stands, a final state does not move, and the end of an attempt that was overtaken by another is
 * not accepted (then the same standing is returned).
 */
export function applyEvent(standing: Standing, event: JobEvent): Standing {
  if (event.type === 'finished' && !mayFinish(standing, event)) return standing;
  const attempts = mergeAttempt(standing.attempts, event);
  const lastSequence = Math.max(standing.lastSequence, event.sequence);
  const isNews = event.type === 'finished' || event.sequence > standing.lastSequence;
  const place = isFinal(standing.status) || !isNews ? standing : { ...placeAfter(event), attempt: event.attempt };
  return withoutLoose({ ...standing, ...place, attempts, lastSequence });
}

/** Where the job has ended, an attempt of which nobody told the end is lost, unless it began only after that. */
function withoutLoose(standing: Standing): Standing {
  const { status, completed_at, attempts } = standing;
  if (!isFinal(status) || completed_at === null) return standing;
  const isLoose = ({ outcome, started_at }: AttemptRecord) => outcome === 'running' && started_at <= completed_at;
  if (!attempts.some(isLoose)) return standing;
  return { ...standing, attempts: attempts.map((each) => (isLoose(each) ? { ...each, outcome: 'lost' } : each)) };
}

/**
 * The event as it is taken: the end of an attempt that began after that of its job ends nothing but the attempt, whose result is lost.
 */
export function withoutLateEnd(standing: Standing, event: JobEvent): JobEvent {
  if (event.type !== 'finished' || !isFinal(standing.status)) return event;
  const known = standing.attempts.find(({ attempt }) => attempt === event.attempt);
  if (known?.outcome !== 'running') return event;
  const { result, dead_letter, ...rest } = event;
  return { ...rest, type: 'released', reason: 'lost' };
}

/** When the job's latest attempt began. */
export function startOf({ attempt, attempts }: Standing): string | null {
  return attempts.find((candidate) => candidate.attempt === attempt)?.started_at ?? null;
}

function mayFinish(standing: Standing, event: FinishedEvent): boolean {
  return !isFinal(standing.status) && event.attempt >= standing.attempt;
}

type Place = Pick<Standing, 'status' | 'detail' | 'worker_id' | 'completed_at' | 'error' | 'result'>;

const NOWHERE = { detail: null, worker_id: null, completed_at: null, error: null, result: null } as const;

const DETAIL_OF_RELEASE = {
  retry: 'waiting for retry',
  drain: 'given back by a worker that stops',
  lost: 'taken back from a worker that vanished',
} as const;

function placeAfter(event: JobEvent): Place {
  const { type, worker_id } = event;
  if (type === 'finished') return placeAfterEnd(event);
  if (type === 'released') {
    return { ...NOWHERE, status: 'pending', detail: DETAIL_OF_RELEASE[event.reason], error: event.error ?? null };
  }
  return { ...NOWHERE, status: type === 'assigned' ? 'assigned' : 'running', worker_id };
}

function placeAfterEnd({ result, worker_id, timestamp }: FinishedEvent): Place {
  return {
    status: result.status,
    detail: result.status === 'cancelled' ? (result.error?.message ?? null) : null,
    worker_id: worker_id === '' ? null : worker_id,
    completed_at: result.completed_at ?? result.failed_at ?? timestamp,
    error: result.error ?? null,
    result,
  };
}

function mergeAttempt(attempts: readonly KnownAttempt[], event: JobEvent): readonly KnownAttempt[] {
  // a job may end without ever having started
  if (event.attempt === 0) return attempts;
  const known = attempts.find(({ attempt }) => attempt === event.attempt);
  // a job that is cancelled while it waits does not change how its last attempt ended; what was only supposed of it gives way
  const isEnded = known?.ended_at && known.outcome !== 'lost';
  const merged = { ...(known ?? newAttempt(event)), ...(isEnded ? {} : endOf(event)) };
  const token = merged.token ?? event.token ?? null;
  const others = attempts.filter((attempt) => attempt !== known);
  const all = [...others, { ...merged, token, started_at: earlier(merged.started_at, startTold(event)) }];
  return markOvertaken(all.sort((a, b) => a.attempt - b.attempt));
}

function newAttempt(event: JobEvent): KnownAttempt {
  const { attempt, worker_id, token = null } = event;
  const place = { token, first_sequence: sequenceOf(attempt, 0) };
  return {
    attempt,
    worker_id,
    started_at: startTold(event),
    ended_at: null,
    outcome: 'running',
    error: null,
    ...place,
  };
}

function startTold(event: JobEvent): string {
  return event.type === 'finished' ? event.result.execution_summary.started_at : event.timestamp;
}

function earlier(time: string, other: string): string {
  return other < time ? other : time;
}

function endOf(event: JobEvent): Partial<AttemptRecord> {
  if (event.type === 'released') {
    return { outcome: event.reason, ended_at: event.timestamp, error: event.error ?? null };
  }
  if (event.type !== 'finished') return {};
  return { outcome: event.result.status, ended_at: event.timestamp, error: event.result.error ?? null };
}

/** An attempt without an end is lost once there is a newer one. */
function markOvertaken(attempts: readonly KnownAttempt[]): readonly KnownAttempt[] {
  const isNewlyLost = ({ ended_at, outcome }: AttemptRecord, index: number) =>
    ended_at === null && outcome !== 'lost' && index < attempts.length - 1;
  return attempts.map((attempt, index) => (isNewlyLost(attempt, index) ? { ...attempt, outcome: 'lost' } : attempt));
}
