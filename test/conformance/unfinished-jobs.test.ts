import type { JobHistory } from '@guestkit/core/history/job-history';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

describe.for(await historyImplementations())('unfinished jobs in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();

  test('are listed by state, of all tenants, page by page in order of acceptance', async () => {
    await using history = await openNew();
    for (const n of [0, 1, 2]) await accept(history, `job-waits-${n}`, n === 1 ? 'other' : 'acme');
    await accept(history, 'job-runs-01');
    await accept(history, 'job-ended-1');
    const runs = attemptEvents({ job_id: 'job-runs-01' });
    const ended = attemptEvents({ job_id: 'job-ended-1' });
    await history.record([runs.assigned(), runs.running(), ended.finished()]);
    await history.markEnqueued('acme', ['job-waits-0']);
    const [first, second] = await history.unfinished({ status: 'pending', after: 0, limit: 2 });
    expect(first).toEqual({
      ...{ position: expect.any(Number), tenant: 'acme', pool: 'default', job_id: 'job-waits-0', status: 'pending' },
      ...{ attempt: 0, worker_id: null, lastSequence: -1, submitted_at: '1970-01-01T00:00:00.000Z', wasEnqueued: true },
    });
    expect(second).toMatchObject({ tenant: 'other', job_id: 'job-waits-1', wasEnqueued: false });
    const rest = await history.unfinished({ status: 'pending', after: second?.position ?? 0, limit: 2 });
    expect(rest.map(({ job_id }) => job_id)).toEqual(['job-waits-2']);
    expect(await history.unfinished({ status: 'running', after: 0, limit: 2 })).toMatchObject([
      { job_id: 'job-runs-01', attempt: 1, worker_id: 'worker-1', lastSequence: 1 },
    ]);
    expect(await history.unfinished({ status: 'assigned', after: 0, limit: 2 })).toEqual([]);
  });

  test('are told from those of a tenant that have ended or never were', async () => {
    await using history = await openNew();
    await accept(history, 'job-waits-0');
    await accept(history, 'job-ended-1');
    await history.record([attemptEvents({ job_id: 'job-ended-1' }).finished()]);
    const ids = ['job-waits-0', 'job-ended-1', 'job-unknown'];
    expect((await history.unfinishedAmong('acme', ids)).map(({ job_id }) => job_id)).toEqual(['job-waits-0']);
    expect(await history.unfinishedAmong('other', ids)).toEqual([]);
    expect(await history.unfinishedAmong('acme', [])).toEqual([]);
  });

  test('come back with their documents and what their attempts came to, but not those that have ended', async () => {
    await using history = await openNew();
    await accept(history, 'job-tried-1');
    await accept(history, 'job-fresh-1');
    await accept(history, 'job-ended-1');
    const attempts = [1, 2, 3].map((attempt) => attemptEvents({ job_id: 'job-tried-1', attempt }));
    const [failed, lost, drained] = attempts;
    await history.record([failed?.released('retry'), lost?.assigned(), drained?.released('drain')].map(known));
    const unfinished = await history.unfinished({ status: 'pending', after: 0, limit: 10 });
    await history.record([attemptEvents({ job_id: 'job-ended-1' }).finished()]);
    const base = { tenant: 'acme', pool: 'default', acceptedAtMs: 0 };
    const positions = unfinished.map(({ position }) => position);
    expect(await history.queuedJobs(positions.toReversed())).toEqual([
      {
        ...{ ...base, document: jobDocument({ job_id: 'job-tried-1' }) },
        ...{ attemptsBefore: 3, failedBefore: 1, lostBefore: 1 },
      },
      { ...base, document: jobDocument({ job_id: 'job-fresh-1' }) },
    ]);
    expect(await history.queuedJobs([])).toEqual([]);
  });

  test('go with the epoch of the queue that they were last compared with', async () => {
    await using history = await openNew();
    expect(await history.queueEpoch()).toBeUndefined();
    await history.rememberQueueEpoch({ id: 'first', count: 7 });
    await history.rememberQueueEpoch({ id: 'second', count: 0 });
    expect(await history.queueEpoch()).toEqual({ id: 'second', count: 0 });
  });
});

async function accept(history: JobHistory, job_id: string, tenant = 'acme'): Promise<void> {
  await history.accept({ tenant, pool: 'default', document: jobDocument({ job_id }), acceptedAtMs: 0 });
}

function known<Value>(value: Value | undefined): Value {
  return value ?? expect.fail('it is known');
}
