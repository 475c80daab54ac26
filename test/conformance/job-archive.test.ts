import { archiveDuty } from '@guestkit/core/history/archive-duty';
import type { EndedJobs } from '@guestkit/core/history/job-archive';
import type { JobHistory } from '@guestkit/core/history/job-history';
import { FINAL_STATES } from '@guestkit/core/job/state';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { acceptedLife, jobLife, live, minuteOf } from '../support/job-life.ts';

const ALL: EndedJobs = { status: FINAL_STATES, before: minuteOf(60), limit: 100 };

describe.for(await historyImplementations())('$name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();

  test('an archived job answers as before, without its progress, and is listed in the archive only', async () => {
    await using history = await openNew();
    const life = jobLife({ job_id: 'job-number-0', name: 'nightly web', labels: { tier: 'web' }, data: { size: 3 } });
    await live(history, [life]);
    const before = await history.find('acme', 'job-number-0');
    const [result, attempts] = [
      await history.result('acme', 'job-number-0'),
      await history.attempts('acme', 'job-number-0'),
    ];
    expect(await history.archive(ALL)).toBe(1);
    const after = await history.find('acme', 'job-number-0');
    expect(after).toEqual({ ...before, archived_at: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(await history.result('acme', 'job-number-0')).toEqual(result);
    expect(await history.attempts('acme', 'job-number-0')).toEqual(attempts);
    const events = await history.events('acme', 'job-number-0', { limit: 9 });
    expect(events.map(({ type }) => type)).toEqual(['assigned', 'running', 'finished']);
    expect(await history.list({ tenant: 'acme' }, { limit: 9 })).toEqual({ jobs: [], nextCursor: null });
    const filter = {
      tenant: 'acme',
      archived: true,
      name: 'WEB',
      labels: { tier: 'web' },
      payload: [{ path: ['size'], value: 3 }],
    };
    expect(await history.list(filter, { limit: 9 })).toEqual({ jobs: [after], nextCursor: null });
    expect(await history.count(filter)).toBe(1);
  });

  test('ids and idempotency keys of the archive are not accepted anew', async () => {
    await using history = await openNew();
    const life = jobLife({ job_id: 'job-number-0', key: 'k-1' });
    await live(history, [life]);
    await history.archive(ALL);
    const same = await history.accept(acceptedLife(life));
    expect(same).toMatchObject({ outcome: 'duplicate', job: { job_id: 'job-number-0', status: 'completed' } });
    const sameKey = await history.accept(acceptedLife({ ...life, job_id: 'job-number-1' }));
    expect(sameKey).toMatchObject({ outcome: 'duplicate', job: { job_id: 'job-number-0' } });
    const otherContent = await history.accept(acceptedLife({ ...life, job_id: 'job-number-1', priority: 9 }));
    expect(otherContent).toMatchObject({ outcome: 'conflict', field: 'execution.idempotency_key' });
    const otherWithId = await history.accept(acceptedLife({ ...life, key: 'k-2' }));
    expect(otherWithId).toMatchObject({ outcome: 'conflict', field: 'job_id' });
    expect(await history.count({ tenant: 'acme' })).toBe(0);
    // the key of the job that was refused is free
    expect(await history.accept(acceptedLife({ ...life, job_id: 'job-number-2', key: 'k-2' }))).toMatchObject({
      outcome: 'created',
    });
  });

  test('only jobs of the states and the age go, the oldest first, of every tenant', async () => {
    await using history = await openNew();
    await live(history, [
      jobLife({ job_id: 'job-number-0', submitted: 2, completed: 9 }),
      jobLife({ job_id: 'job-number-1', submitted: 1, completed: 8 }),
      jobLife({ job_id: 'job-number-2', submitted: 0, completed: 30 }),
      jobLife({ job_id: 'job-number-3', status: 'failed' }),
      jobLife({ job_id: 'job-number-4', status: 'running' }),
      jobLife({ job_id: 'job-number-5', status: 'pending' }),
      jobLife({ job_id: 'job-number-6', tenant: 'other' }),
    ]);
    const completed: EndedJobs = { status: ['completed'], before: minuteOf(20), limit: 1 };
    expect(await history.archive(completed)).toBe(1);
    expect(await idsOf(history, 'acme', true)).toEqual(['job-number-1']);
    expect(await history.archive({ ...completed, limit: 9 })).toBe(2);
    expect(await idsOf(history, 'acme', true)).toEqual(['job-number-0', 'job-number-1']);
    expect(await idsOf(history, 'other', true)).toEqual(['job-number-6']);
    expect(await idsOf(history, 'acme', false)).toHaveLength(4);
    expect(await history.archive({ ...completed, limit: 9 })).toBe(0);
  });

  test('what is deleted from the archive is unknown, and may be accepted again', async () => {
    await using history = await openNew();
    const lives = [0, 1].map((number) =>
      jobLife({ job_id: `job-number-${number}`, name: 'nightly', key: `k-${number}`, completed: 5 + number }),
    );
    await live(history, lives);
    await history.archive(ALL);
    expect(await history.deleteArchived({ ...ALL, before: minuteOf(6) })).toBe(1);
    expect(await history.find('acme', 'job-number-0')).toBeUndefined();
    expect(await history.result('acme', 'job-number-0')).toBeUndefined();
    expect(await history.attempts('acme', 'job-number-0')).toEqual([]);
    expect(await history.events('acme', 'job-number-0', { limit: 9 })).toEqual([]);
    expect(await idsOf(history, 'acme', true)).toEqual(['job-number-1']);
    const again = await Promise.all(lives.map((life) => history.accept(acceptedLife(life))));
    expect(again.map(({ outcome }) => outcome)).toEqual(['created', 'duplicate']);
  });

  test('several that move the same jobs at once move each once', async () => {
    const open = await create();
    await using first = await open();
    await using second = await open();
    await live(
      first,
      Array.from({ length: 30 }, (_, number) => jobLife({ job_id: `job-number-${number}` })),
    );
    const moved = await Promise.all([first, second, first, second].map((history) => history.archive(ALL)));
    expect(moved.reduce((sum, jobs) => sum + jobs, 0)).toBe(30);
    expect(await first.count({ tenant: 'acme', archived: true })).toBe(30);
    expect(await first.count({ tenant: 'acme' })).toBe(0);
  });

  test('the duty moves and deletes what has the age of its state, batch by batch', async () => {
    await using history = await openNew();
    await live(history, [
      ...Array.from({ length: 7 }, (_, number) => jobLife({ job_id: `job-number-${number}`, completed: 10 })),
      jobLife({ job_id: 'job-failed-1', status: 'failed', completed: 10 }),
    ]);
    const told: (readonly [string, number])[] = [];
    const duty = archiveDuty({
      ...{ history, batchSize: 3, clock: () => Date.parse(minuteOf(30)) },
      archiveAfter: new Map([
        ['completed', 20 * 60_000 - 1],
        ['failed', 21 * 60_000],
      ]),
      deleteAfter: new Map([['failed', 0]]),
      onMoved: (what, jobs) => void told.push([what, jobs]),
    });
    await duty.run(new AbortController().signal);
    expect(await history.count({ tenant: 'acme', archived: true })).toBe(7);
    expect(await idsOf(history, 'acme', false)).toEqual(['job-failed-1']);
    expect(told.filter(([, jobs]) => jobs > 0)).toEqual([
      ['archived', 3],
      ['archived', 3],
      ['archived', 1],
    ]);
    await duty.run(AbortSignal.abort());
  });
});

async function idsOf(history: JobHistory, tenant: string, archived: boolean): Promise<readonly string[]> {
  const { jobs } = await history.list({ tenant, archived }, { limit: 99 });
  return jobs.map(({ job_id }) => job_id);
}
