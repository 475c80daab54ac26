import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { honestEvents, shuffled } from '../../../../test/support/job-history-arbitrary.ts';
import type { JobEvent } from '../job/event.ts';
import { isFinal } from '../job/state.ts';
import { lossOf } from './attempt-loss.ts';
import { applyEvent, type Standing, startOf, withoutLateEnd } from './standing.ts';

const JOB = { tenant: 'acme', job_id: 'job-test-0001' };
const LATER = new Date(Date.UTC(2030, 0)).toISOString();
const ACCEPTED: Standing = {
  ...{ status: 'pending', detail: null, attempt: 0, worker_id: null, completed_at: null, error: null, result: null },
  ...{ lastSequence: -1, attempts: [] },
};

describe('applyEvent', () => {
  test('follows an attempt from its claim to its end', () => {
    const attempt = attemptEvents();
    const claimed = applyEvent(ACCEPTED, attempt.assigned());
    expect(claimed).toMatchObject({ status: 'assigned', attempt: 1, worker_id: 'worker-1' });
    const running = applyEvent(claimed, attempt.running());
    expect(running).toMatchObject({ status: 'running', worker_id: 'worker-1' });
    const end = attempt.finished({ data: { facts: 1 } });
    const ended = applyEvent(running, end);
    expect(ended).toMatchObject({ status: 'completed', completed_at: end.result.completed_at, result: end.result });
    expect(ended.attempts).toMatchObject([{ attempt: 1, outcome: 'completed', ended_at: end.timestamp }]);
    expect(startOf(ended)).toBe(ended.attempts[0]?.started_at);
  });

  test.each([
    ['retry', 'waiting for retry'],
    ['drain', 'given back by a worker that stops'],
    ['lost', 'taken back from a worker that vanished'],
  ] as const)('lets a job wait again after a release (%s), and says why', (reason, detail) => {
    const attempt = attemptEvents();
    const released = play([attempt.assigned(), attempt.running(), attempt.released(reason)]);
    expect(released).toMatchObject({ status: 'pending', detail, worker_id: null, attempt: 1 });
    expect(released.attempts).toMatchObject([{ outcome: reason }]);
  });

  test('calls an attempt lost when another begins before it ended', () => {
    const standing = play([attemptEvents().running(), attemptEvents({ attempt: 2 }).assigned()]);
    expect(standing).toMatchObject({ status: 'assigned', attempt: 2 });
    expect(standing.attempts).toMatchObject([
      { attempt: 1, outcome: 'lost', ended_at: null },
      { attempt: 2, outcome: 'running' },
    ]);
  });

  test('refuses the end of an attempt that was overtaken', () => {
    const late = attemptEvents();
    const overtaken = play([late.running(), attemptEvents({ attempt: 2 }).assigned()]);
    expect(applyEvent(overtaken, late.finished())).toBe(overtaken);
  });

  test('refuses a second end', () => {
    const attempt = attemptEvents();
    const ended = play([attempt.running(), attempt.finished({ status: 'failed' })]);
    expect(applyEvent(ended, attempt.finished({ status: 'completed' }))).toBe(ended);
  });

  test('does not move a final state, whatever else is told', () => {
    const ended = play([attemptEvents().finished()]);
    const late = [attemptEvents({ attempt: 2 }).assigned(), attemptEvents({ attempt: 2 }).released()];
    expect(late.reduce(applyEvent, ended)).toMatchObject({ status: 'completed', attempt: 1 });
  });

  test('calls an attempt lost that is heard of only after its job ended without it', () => {
    const cancelled = { ...attemptEvents({ attempt: 0, worker_id: '' }).finished({ status: 'cancelled' }) };
    const end = { ...cancelled, timestamp: LATER, result: { ...cancelled.result, failed_at: LATER } };
    expect(play([end, attemptEvents().running()]).attempts).toMatchObject([{ outcome: 'lost', ended_at: null }]);
  });

  test('lets what a worker tells of the end of its attempt replace what was supposed', () => {
    const attempt = attemptEvents();
    const running = play([attempt.running()]);
    const supposed = applyEvent(running, lossOf({ ...JOB, attempt: 1, worker_id: 'worker-1', lastSequence: 0 }));
    expect(supposed.attempts).toMatchObject([{ outcome: 'lost' }]);
    const told = attempt.released('retry');
    expect(applyEvent(supposed, told).attempts).toMatchObject([{ outcome: 'retry', ended_at: told.timestamp }]);
  });

  test('keeps the message of a cancellation as detail', () => {
    const error = { code: 'CANCELLED', message: 'not needed', recoverable: false, retry_recommended: false };
    expect(play([attemptEvents().finished({ status: 'cancelled', error })])).toMatchObject({
      status: 'cancelled',
      detail: 'not needed',
      error,
    });
  });

  test('comes to the same standing in any order, with any repetition', () => {
    fc.assert(
      fc.property(
        honestEvents('job-test-0001').chain((events) => fc.tuple(fc.constant(events), shuffled(events))),
        ([events, disorder]) => {
          expect(play(disorder)).toEqual(play(events));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('never moves a final state, even when overtaken attempts tell of their end', () => {
    const zombies = [1, 2, 3].map((attempt) => attemptEvents({ attempt, worker_id: `zombie-${attempt}` }).finished());
    fc.assert(
      fc.property(
        honestEvents('job-test-0001').chain((events) => shuffled([...events, ...zombies])),
        (events) => {
          let standing = ACCEPTED;
          for (const event of events) {
            const next = applyEvent(standing, event);
            if (isFinal(standing.status)) expect(endOf(next)).toEqual(endOf(standing));
            standing = next;
          }
          expect(standing.result?.execution_summary.attempt ?? standing.attempt).toBe(standing.attempt);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('withoutLateEnd', () => {
  const late = attemptEvents({ attempt: 2 });
  const ended = play([attemptEvents().finished(), late.running()]);

  test('makes the end of an attempt that began after that of its job a mere loss', () => {
    const after = applyEvent(ended, withoutLateEnd(ended, late.finished()));
    expect(after).toMatchObject({ status: 'completed', attempt: 1, result: ended.result });
    expect(after.attempts).toMatchObject([{ outcome: 'completed' }, { outcome: 'lost', ended_at: expect.any(String) }]);
  });

  test('leaves all other events as they are', () => {
    const first = attemptEvents();
    const others = [first.running(), first.finished(), attemptEvents({ attempt: 3 }).finished()];
    for (const event of others) expect(withoutLateEnd(ended, event)).toBe(event);
  });
});

function play(events: readonly JobEvent[]): Standing {
  return events.reduce(applyEvent, ACCEPTED);
}

function endOf({ status, attempt, worker_id, result, completed_at }: Standing) {
  return { status, attempt, worker_id, result, completed_at };
}
