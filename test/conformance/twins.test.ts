import type { JobEvent } from '@guestkit/core/job/event';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

const TENANT = 'acme';
const ID = 'job-test-0001';

/** Attempts of one number, as after a rollback of Redis; the tokens of later ones are greater. */
function twins(...tokens: readonly string[]) {
  return tokens.map((token) => {
    const events = attemptEvents({ worker_id: `worker-${token}` });
    const by = <Event extends JobEvent>(event: Event): Event => ({ ...event, token });
    return {
      assigned: () => by(events.assigned()),
      running: () => by(events.running()),
      progress: (message?: string) => by(events.progress(message)),
      finished: (data: unknown) => by(events.finished({ data })),
      released: () => by(events.released('retry')),
    };
  }) as [Twin, Twin];
}

interface Twin {
  assigned(): JobEvent;
  running(): JobEvent;
  progress(message?: string): JobEvent;
  finished(data: unknown): JobEvent;
  released(): JobEvent;
}

describe.for(await historyImplementations())(
  'twins of an attempt in $name',
  { timeout: 60_000 },
  ({ create, absent }) => {
    if (absent) {
      test.skip(absent);
      return;
    }

    const openNew = async () => {
      const history = await (await create())();
      await history.accept({ tenant: TENANT, pool: 'default', document: jobDocument(), acceptedAtMs: 0 });
      return history;
    };

    test('both tell, and the later one decides', async () => {
      await using history = await openNew();
      const [first, second] = twins('a', 'b');
      await history.record([first.assigned(), first.running(), first.progress('of the first')]);
      await history.record([second.assigned(), second.running()]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'running', worker_id: 'worker-b', attempt: 1 });
      await history.record([first.finished('of the first')]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'running' });
      await history.record([second.finished('of the second')]);
      expect(await history.result(TENANT, ID)).toMatchObject({ data: 'of the second', worker_id: 'worker-b' });
      const events = await history.events(TENANT, ID, { limit: 20 });
      expect(events.map(({ type, worker_id }) => `${type} ${worker_id}`)).toEqual([
        'assigned worker-a',
        'running worker-a',
        'progress worker-a',
        'assigned worker-b',
        'running worker-b',
        'finished worker-b',
      ]);
      expect(events.map(({ sequence }) => sequence)).toEqual(
        events.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
      );
      expect(await history.attempts(TENANT, ID)).toMatchObject([
        { attempt: 1, worker_id: 'worker-b', outcome: 'completed' },
      ]);
    });

    test('do not move what the first has ended', async () => {
      await using history = await openNew();
      const [first, second] = twins('a', 'b');
      await history.record([first.running(), first.finished('of the first')]);
      await history.record([second.assigned(), second.running(), second.finished('of the second')]);
      expect(await history.result(TENANT, ID)).toMatchObject({ data: 'of the first' });
      expect(await history.attempts(TENANT, ID)).toMatchObject([{ worker_id: 'worker-a', outcome: 'completed' }]);
    });

    test('come to the same end whichever is heard of first', async () => {
      await using history = await openNew();
      const [first, second] = twins('a', 'b');
      await history.record([second.assigned(), second.running()]);
      await history.record([first.assigned(), first.running(), first.finished('of the first')]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'running', worker_id: 'worker-b' });
      await history.record([second.finished('of the second')]);
      expect(await history.result(TENANT, ID)).toMatchObject({ data: 'of the second' });
    });

    test('are told again without harm', async () => {
      await using history = await openNew();
      const [first, second] = twins('a', 'b');
      const told = [first.assigned(), second.assigned(), second.running(), second.progress(), second.finished('x')];
      for (const event of told) await history.record([event]);
      const events = await history.events(TENANT, ID, { limit: 20 });
      await history.record(told);
      await history.record(told.toReversed());
      expect(await history.events(TENANT, ID, { limit: 20 })).toEqual(events);
      expect(events.map(({ type }) => type)).toEqual(['assigned', 'assigned', 'running', 'progress', 'finished']);
    });

    test('are not listened to once an attempt of a higher number has begun', async () => {
      await using history = await openNew();
      const [first, second] = twins('a', 'b');
      await history.record([first.running(), attemptEvents({ attempt: 2, worker_id: 'worker-c' }).running()]);
      await history.record([second.assigned(), second.running(), second.finished('of the second')]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'running', attempt: 2, worker_id: 'worker-c' });
      expect(await history.attempts(TENANT, ID)).toMatchObject([{ worker_id: 'worker-a' }, { worker_id: 'worker-c' }]);
    });

    test('are followed by the next attempt like any other', async () => {
      await using history = await openNew();
      const [first, second] = twins('a', 'b');
      await history.record([first.running(), second.running(), second.released()]);
      const next = attemptEvents({ attempt: 2 });
      await history.record([next.assigned(), next.running(), next.finished({ data: 'of the next' })]);
      expect(await history.result(TENANT, ID)).toMatchObject({ data: 'of the next' });
    });
  },
);
