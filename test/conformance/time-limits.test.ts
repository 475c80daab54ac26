import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

const TENANT = 'acme';
const ID = 'job-test-0001';
/** When jobs are accepted, and when their events say that they happened. */
const START_MS = Date.UTC(2026, 4, 4, 8);
const GRACE_MS = 10_000;

describe.for(await historyImplementations())('time limits in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openWith = async (
    execution: Readonly<Record<string, unknown>>,
    more: { readonly waitSeconds?: number } = {},
  ) => {
    const history = await (await create())();
    const document = jobDocument({ execution });
    await history.accept({ tenant: TENANT, pool: 'default', document, acceptedAtMs: START_MS, ...more });
    const overdueAfter = async (seconds: number) => {
      const overdue = await history.overdue({ nowMs: START_MS + seconds * 1000, graceMs: GRACE_MS, limit: 10 });
      return overdue.map(({ job, limit }) => [job.job_id, limit]);
    };
    return { history, overdueAfter, [Symbol.asyncDispose]: () => history[Symbol.asyncDispose]() };
  };

  test('are none where nobody set any', async () => {
    await using parts = await openWith({});
    expect(await parts.overdueAfter(1e9)).toEqual([]);
  });

  test('of waiting count until the first attempt begins', async () => {
    await using parts = await openWith({ timeouts: { wait_seconds: 60 } });
    expect(await parts.overdueAfter(59)).toEqual([]);
    expect(await parts.overdueAfter(61)).toEqual([[ID, 'wait']]);
    const attempt = attemptEvents();
    await parts.history.record([attempt.assigned(), attempt.released('retry')]);
    expect(await parts.overdueAfter(61)).toEqual([]);
  });

  test('of waiting come from the document before the configuration', async () => {
    await using none = await openWith({ timeouts: { wait_seconds: 0 } }, { waitSeconds: 5 });
    expect(await none.overdueAfter(100)).toEqual([]);
    await using some = await openWith({}, { waitSeconds: 5 });
    expect(await some.overdueAfter(6)).toEqual([[ID, 'wait']]);
  });

  test('by deadline hold for a job that waits at once, and for one that a worker has after a grace', async () => {
    const deadline = new Date(START_MS + 60_000).toISOString();
    await using parts = await openWith({ deadline });
    expect(await parts.overdueAfter(59)).toEqual([]);
    expect(await parts.overdueAfter(61)).toEqual([[ID, 'deadline']]);
    await parts.history.record([attemptEvents().running()]);
    expect(await parts.overdueAfter(61)).toEqual([]);
    expect(await parts.overdueAfter(71)).toEqual([[ID, 'deadline']]);
  });

  test.each([
    ['2026-05-04T08:00:00Z', true],
    ['2026-05-04T10:00:00.5+02:00', true],
    ['2026-05-04T08:00:01.1Z', false],
    ['+12026-05-04T08:00:00Z', false],
    ['-0001-05-04T08:00:00Z', true],
  ])('compares deadline %s as a moment', async (deadline, isOver) => {
    await using parts = await openWith({ deadline });
    expect((await parts.overdueAfter(1)).length).toBe(isOver ? 1 : 0);
  });

  test('of running count from the start of the latest attempt, with a grace', async () => {
    await using parts = await openWith({ timeout_seconds: 60 });
    await parts.history.record([attemptEvents().running()]);
    expect(await parts.overdueAfter(65)).toEqual([]);
    expect(await parts.overdueAfter(71)).toEqual([[ID, 'run']]);
    await parts.history.record([attemptEvents().finished()]);
    expect(await parts.overdueAfter(71)).toEqual([]);
  });

  describe('takeBack', () => {
    test('lets a job wait again, and says why', async () => {
      await using parts = await openWith({});
      const { history } = parts;
      const attempt = attemptEvents();
      await history.record([attempt.assigned(), attempt.running()]);
      expect(await history.takeBack(TENANT, ID, 1)).toBe(true);
      expect(await history.find(TENANT, ID)).toMatchObject({
        ...{ status: 'pending', detail: 'taken back from a worker that vanished', worker_id: null, attempt: 1 },
      });
      expect(await history.attempts(TENANT, ID)).toMatchObject([{ attempt: 1, outcome: 'lost' }]);
    });

    test('leaves alone what waits, what has ended, and what a newer attempt has', async () => {
      await using parts = await openWith({});
      const { history } = parts;
      expect(await history.takeBack(TENANT, ID, 0)).toBe(false);
      await history.record([attemptEvents({ attempt: 2 }).running()]);
      expect(await history.takeBack(TENANT, ID, 1)).toBe(false);
      await history.record([attemptEvents({ attempt: 2 }).finished()]);
      expect(await history.takeBack(TENANT, ID, 2)).toBe(false);
    });

    test('does not keep a worker that was only slow from ending the job', async () => {
      await using parts = await openWith({});
      const { history } = parts;
      const attempt = attemptEvents();
      await history.record([attempt.assigned(), attempt.running()]);
      await history.takeBack(TENANT, ID, 1);
      await history.record([attempt.finished()]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'completed' });
      const types = (await history.events(TENANT, ID, { limit: 9 })).map(({ type }) => type);
      expect(types).toEqual(['assigned', 'running', 'released', 'finished']);
    });
  });
});
