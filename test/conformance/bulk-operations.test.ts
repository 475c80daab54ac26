import type { NewBulkOperation } from '@guestkit/core/history/bulk-operations';
import type { JobFilter, JobHistory } from '@guestkit/core/history/job-history';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

const TENANT = 'acme';
const AUTHOR = { who: 'key:0123', request_id: 'req-1' };
const NOTHING = { changed: 0, skipped: 0, failed: 0 };

describe.for(await historyImplementations())('bulk operations in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();

  test('are about the jobs that match when they are asked for', async () => {
    await using history = await openNew();
    await acceptJobs(history, 3);
    await acceptJobs(history, 1, { operation: 'test.other' });
    const added = await history.addBulkOperation(operation({ operation: ['system.echo'] }));
    expect(added).toMatchObject({ state: 'pending', verb: 'cancel', total: 3, matched: 0, started_at: null });
    expect(await history.findBulkOperation(TENANT, 'bulk-1')).toEqual(added);
    expect(await walk(history, 'bulk-1')).toEqual([['job-2', 'job-1'], ['job-0']].map((ids) => ids.map(nameOf)));
  });

  test('end when no job is left, with counts that add up', async () => {
    await using history = await openNew();
    await acceptJobs(history, 5);
    const added = await history.addBulkOperation(operation());
    for (const told of [{ changed: 2 }, { changed: 1, skipped: 1 }, { failed: 1, error: 'because' }]) {
      const batch = (await history.takeBulkBatch(added, 2)) ?? expect.fail();
      expect(await history.endBulkBatch(added, batch, { ...NOTHING, ...told })).toBe(true);
    }
    expect(await history.takeBulkBatch(added, 2)).toBeUndefined();
    const ended = await history.findBulkOperation(TENANT, 'bulk-1');
    expect(ended).toMatchObject({
      state: 'completed',
      matched: 5,
      changed: 3,
      skipped: 1,
      failed: 1,
      error: 'because',
    });
    expect(ended?.started_at).not.toBeNull();
    expect(ended?.finished_at).not.toBeNull();
    expect(await history.openBulkOperations()).toEqual([]);
  });

  test('take a batch again that nobody told of, in another process too', async () => {
    const open = await create();
    await using history = await open();
    await acceptJobs(history, 3);
    const added = await history.addBulkOperation(operation());
    const batch = await history.takeBulkBatch(added, 2);
    await using other = await open();
    expect(await other.openBulkOperations()).toMatchObject([{ bulk_id: 'bulk-1', state: 'running' }]);
    expect(await other.takeBulkBatch(added, 2)).toEqual(batch);
  });

  test('count a batch once that two tell of', async () => {
    const open = await create();
    await using first = await open();
    await using second = await open();
    await acceptJobs(first, 2);
    const added = await first.addBulkOperation(operation());
    const batch = (await first.takeBulkBatch(added, 2)) ?? expect.fail();
    const told = { ...NOTHING, changed: 2 };
    const answers = await Promise.all([first, second].map((history) => history.endBulkBatch(added, batch, told)));
    expect(answers.sort()).toEqual([false, true]);
    expect(await first.findBulkOperation(TENANT, 'bulk-1')).toMatchObject({ matched: 2, changed: 2 });
  });

  test('give one batch to all that ask at once', async () => {
    const open = await create();
    await using first = await open();
    await using second = await open();
    await acceptJobs(first, 4);
    const added = await first.addBulkOperation(operation());
    const batches = await Promise.all([first, second, first].map((history) => history.takeBulkBatch(added, 2)));
    expect(new Set(batches.map((batch) => JSON.stringify(batch))).size).toBe(1);
  });

  test('stop with the batch that is under way, which still counts', async () => {
    await using history = await openNew();
    await acceptJobs(history, 4);
    const added = await history.addBulkOperation(operation());
    const batch = (await history.takeBulkBatch(added, 2)) ?? expect.fail();
    expect(await history.stopBulkOperation(TENANT, 'bulk-1', AUTHOR)).toBe(true);
    expect(await history.openBulkOperations()).toMatchObject([{ state: 'stopping' }]);
    expect(await history.takeBulkBatch(added, 2)).toEqual(batch);
    await history.endBulkBatch(added, batch, { ...NOTHING, changed: 2 });
    expect(await history.takeBulkBatch(added, 2)).toBeUndefined();
    expect(await history.openBulkOperations()).toEqual([]);
    expect(await history.findBulkOperation(TENANT, 'bulk-1')).toMatchObject({ state: 'stopped', changed: 2 });
    expect((await history.listAudit(TENANT, { limit: 2 })).entries).toMatchObject([
      { verb: 'bulk.cancel.stopped', counts: { matched: 2, changed: 2 } },
      { verb: 'bulk.stop', counts: { matched: 0 } },
    ]);
  });

  test('do not stop when they have ended, nor those of another tenant', async () => {
    await using history = await openNew();
    const added = await history.addBulkOperation(operation());
    expect(await history.stopBulkOperation('other', 'bulk-1', AUTHOR)).toBe(false);
    expect(await history.takeBulkBatch(added, 2)).toBeUndefined();
    expect(await history.stopBulkOperation(TENANT, 'bulk-1', AUTHOR)).toBe(false);
  });

  test('are listed newest first, page by page, for their tenant only', async () => {
    await using history = await openNew();
    for (const id of ['bulk-1', 'bulk-2', 'bulk-3']) await history.addBulkOperation({ ...operation(), bulk_id: id });
    const first = await history.listBulkOperations(TENANT, { limit: 2 });
    expect(first.operations.map(({ bulk_id }) => bulk_id)).toEqual(['bulk-3', 'bulk-2']);
    const second = await history.listBulkOperations(TENANT, { limit: 2, cursor: first.nextCursor ?? '' });
    expect(second).toMatchObject({ operations: [{ bulk_id: 'bulk-1' }], nextCursor: null });
    expect(await history.listBulkOperations('other', { limit: 2 })).toEqual({ operations: [], nextCursor: null });
  });

  test('are told of in the audit log: who began, stopped and ended them, and with which counts', async () => {
    await using history = await openNew();
    await acceptJobs(history, 2);
    const added = await history.addBulkOperation(operation());
    const batch = (await history.takeBulkBatch(added, 2)) ?? expect.fail();
    await history.endBulkBatch(added, batch, { ...NOTHING, changed: 2 });
    await history.takeBulkBatch(added, 2);
    await history.addBulkOperation({ ...operation(), bulk_id: 'bulk-2' });
    await history.stopBulkOperation(TENANT, 'bulk-2', { who: 'key:4567', request_id: 'req-2' });
    const { entries } = await history.listAudit(TENANT, { limit: 10 });
    const target = { bulk_id: 'bulk-1', filter: { tenant: TENANT } };
    expect(entries.toReversed()).toMatchObject([
      { ...AUTHOR, verb: 'bulk.cancel', target, counts: { total: 2 } },
      { ...AUTHOR, verb: 'bulk.cancel.completed', target, counts: { matched: 2, changed: 2, skipped: 0, failed: 0 } },
      { ...AUTHOR, verb: 'bulk.cancel', target: { bulk_id: 'bulk-2' } },
      { who: 'key:4567', request_id: 'req-2', verb: 'bulk.stop', counts: { matched: 0 } },
      { ...AUTHOR, verb: 'bulk.cancel.stopped', target: { bulk_id: 'bulk-2' } },
    ]);
  });

  test('purge ended jobs with all that belongs to them, and no others', async () => {
    await using history = await openNew();
    await acceptJobs(history, 1, { execution: { idempotency_key: 'k-1' } });
    await acceptJobs(history, 2);
    const ids = [0, 1, 2].map((n) => nameOf(`job-${n}`));
    for (const job_id of ids.slice(0, 2)) {
      const told = attemptEvents({ tenant: TENANT, job_id });
      await history.record([told.assigned(), told.running(), told.finished()]);
    }
    const [ended = '', kept = '', waiting = ''] = ids;
    expect(await history.purgeJobs(TENANT, [ended, waiting, 'job-nobody-knows'])).toEqual([ended, 'job-nobody-knows']);
    expect(await history.purgeJobs('other', [kept])).toEqual([kept]);
    expect(await history.find(TENANT, ended)).toBeUndefined();
    expect(await history.events(TENANT, ended, { limit: 10 })).toEqual([]);
    expect(await history.attempts(TENANT, ended)).toEqual([]);
    expect(await history.result(TENANT, ended)).toBeUndefined();
    expect(await history.find(TENANT, waiting)).toMatchObject({ status: 'pending' });
    expect(await history.result(TENANT, kept)).toMatchObject({ status: 'completed' });
    // a key goes with its job
    const document = jobDocument({ job_id: 'job-with-the-key', execution: { idempotency_key: 'k-1' } });
    const again = await history.accept({ tenant: TENANT, pool: 'default', document, acceptedAtMs: 0 });
    expect(again.outcome).toBe('created');
  });
});

describe.for(await historyImplementations())('the audit log in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  test('lists what was noted, newest first, page by page, for its tenant only', async () => {
    await using history = await (await create())();
    for (const n of [1, 2, 3]) {
      const what = { verb: 'dead-letter.purge', target: { ids: [`job-${n}`] }, counts: { purged: n } };
      await history.noteAudit({ ...AUTHOR, ...what, tenant: TENANT });
    }
    const first = await history.listAudit(TENANT, { limit: 2 });
    expect(first.entries).toMatchObject([{ counts: { purged: 3 } }, { counts: { purged: 2 } }]);
    expect(first.entries[0]).toMatchObject({ ...AUTHOR, target: { ids: ['job-3'] } });
    const second = await history.listAudit(TENANT, { limit: 2, cursor: first.nextCursor ?? '' });
    expect(second).toMatchObject({ entries: [{ counts: { purged: 1 } }], nextCursor: null });
    expect(await history.listAudit('other', { limit: 2 })).toEqual({ entries: [], nextCursor: null });
    await expect(history.listAudit(TENANT, { limit: 2, cursor: 'nonsense' })).rejects.toThrow(RangeError);
  });
});

function operation(filter: Omit<JobFilter, 'tenant'> = {}): NewBulkOperation {
  const { who, request_id } = AUTHOR;
  return { bulk_id: 'bulk-1', verb: 'cancel', filter: { tenant: TENANT, ...filter }, requested_by: who, request_id };
}

let accepted = 0;

/** Their ids are `nameOf('job-0')` and so on, within one history. */
async function acceptJobs(history: JobHistory, count: number, members: object = {}): Promise<void> {
  const before = await history.count({ tenant: TENANT });
  for (let n = before; n < before + count; n += 1) {
    accepted += 1;
    const document = jobDocument({ job_id: nameOf(`job-${n}`), ...members });
    await history.accept({ tenant: TENANT, pool: 'default', document, acceptedAtMs: accepted });
  }
}

function nameOf(short: string): string {
  return `${short}-of-bulk`;
}

/** The batches of an operation, each told of as if all went well. */
async function walk(history: JobHistory, bulkId: string): Promise<readonly (readonly string[])[]> {
  const batches: (readonly string[])[] = [];
  const found = (await history.findBulkOperation(TENANT, bulkId)) ?? expect.fail();
  for (;;) {
    const batch = await history.takeBulkBatch(found, 2);
    if (batch === undefined) return batches;
    batches.push(batch.jobIds);
    await history.endBulkBatch(found, batch, { ...NOTHING, changed: batch.jobIds.length });
  }
}
