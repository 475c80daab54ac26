import { expect, test } from 'vitest';
import { attemptsBefore } from './attempts-before.ts';
import type { AttemptRecord } from './job-history.ts';

test('attemptsBefore tells the highest number, and counts failures and losses apart', () => {
  const outcomes: readonly AttemptRecord['outcome'][] = ['retry', 'lost', 'drain', 'lost', 'retry', 'lost', 'running'];
  const attempts = outcomes.map((outcome, index) => attempt(index + 1, outcome));
  expect(attemptsBefore(attempts)).toEqual({ attemptsBefore: 7, failedBefore: 2, lostBefore: 3 });
});

test('attemptsBefore is nought for a job that never began', () => {
  expect(attemptsBefore([])).toEqual({ attemptsBefore: 0, failedBefore: 0, lostBefore: 0 });
});

function attempt(number: number, outcome: AttemptRecord['outcome']): AttemptRecord {
  const times = { started_at: '2026-05-04T08:00:00Z', ended_at: null };
  return { attempt: number, worker_id: 'worker-a', ...times, outcome, error: null };
}
