import { type JobEvent, sequenceOf } from '../job/event.ts';
import { isFinal } from '../job/state.ts';
import type { KnownAttempt, Standing } from './standing.ts';

// A Redis that was rolled back may give the number of an attempt a second time. The tokens tell such twins apart; the greater one has
// the number, whichever is heard of first.

export interface Admitted {
  readonly standing: Standing;
  /** With the sequence that history gives it. */
  readonly event: JobEvent;
}

/** Finds the place of an event among those known; `undefined` when it comes from a twin that must not be listened to. */
export function admitEvent(standing: Standing, event: JobEvent): Admitted | undefined {
  const known = standing.attempts.find(({ attempt }) => attempt === event.attempt);
  if (known === undefined || !isTwin(known, event)) return { standing, event: numbered(standing, event, known) };
  if (!mayOvertake(standing, known, event)) return undefined;
  const successor = overtakenBy(known, event, standing.lastSequence + 1);
  const attempts = standing.attempts.map((attempt) => (attempt === known ? successor : attempt));
  const after = { ...standing, attempts };
  return { standing: after, event: numbered(after, event, successor) };
}

function isTwin({ token }: KnownAttempt, event: JobEvent): boolean {
  return token !== null && event.token !== undefined && token !== event.token;
}

function mayOvertake(standing: Standing, known: KnownAttempt, event: JobEvent): boolean {
  if (isFinal(standing.status) || event.attempt < standing.attempt) return false;
  return (event.token ?? '') > (known.token ?? '');
}

function overtakenBy(
  known: KnownAttempt,
  { token, worker_id, timestamp }: JobEvent,
  firstSequence: number,
): KnownAttempt {
  const anew = { ended_at: null, outcome: 'running', error: null } as const;
  return { ...known, ...anew, token: token ?? null, worker_id, started_at: timestamp, first_sequence: firstSequence };
}

/** The events of a twin go behind those of the first, and the end of a job behind everything. */
function numbered(standing: Standing, event: JobEvent, known: KnownAttempt | undefined): JobEvent {
  const start = sequenceOf(event.attempt, 0);
  const own = (known?.first_sequence ?? start) + event.sequence - start;
  const sequence = event.type === 'finished' ? Math.max(own, standing.lastSequence + 1) : own;
  return sequence === event.sequence ? event : { ...event, sequence };
}
