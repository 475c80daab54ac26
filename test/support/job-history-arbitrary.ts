import type { JobEvent, ReleasedEvent } from '@guestkit/core/job/event';
import fc from 'fast-check';
import { attemptEvents } from './job-events.ts';

type End = ReleasedEvent['reason'] | 'completed' | 'failed' | 'none';

/**
 * The events of a job as honest workers tell them, in order: some attempts that were released or lost, and a last one that may have
 * finished.
 */
export function honestEvents(job_id: string): fc.Arbitrary<readonly JobEvent[]> {
  const earlier = fc.array(attemptShape('retry', 'drain', 'lost', 'none'), { maxLength: 3 });
  const last = attemptShape('retry', 'none', 'completed', 'failed');
  return fc
    .tuple(earlier, last)
    .map(([shapes, shape]) => [...shapes, shape].flatMap((attempt, index) => tell(attempt, job_id, index + 1)));
}

interface AttemptShape {
  readonly progress: number;
  readonly end: End;
}

function attemptShape(...ends: readonly End[]): fc.Arbitrary<AttemptShape> {
  return fc.record({ progress: fc.nat(3), end: fc.constantFrom(...ends) });
}

function tell({ progress, end }: AttemptShape, job_id: string, attempt: number): readonly JobEvent[] {
  const events = attemptEvents({ job_id, attempt, worker_id: `worker-${attempt}` });
  const begin = [events.assigned(), events.running()];
  const middle = Array.from({ length: progress }, () => events.progress());
  if (end === 'none') return [...begin, ...middle];
  const isFinal = end === 'completed' || end === 'failed';
  return [...begin, ...middle, isFinal ? events.finished({ status: end }) : events.released(end)];
}

/** The same events in any order, some of them told again. */
export function shuffled(events: readonly JobEvent[]): fc.Arbitrary<readonly JobEvent[]> {
  return fc
    .subarray([...events])
    .chain((again) => fc.shuffledSubarray([...events, ...again], { minLength: events.length + again.length }));
}
