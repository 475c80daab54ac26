import { jobError } from '@guestkit/core/job/error-code';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

const TENANT = 'acme';
const ID = 'job-test-0001';
const NOT_NEEDED = jobError('CANCELLED', 'not needed');

describe.for(await historyImplementations())('cancellation in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();
  const accepted = (members: Readonly<Record<string, unknown>> = {}) => ({
    ...{ tenant: TENANT, pool: 'default', acceptedAtMs: Date.UTC(2026, 4, 4, 8) },
    document: jobDocument(members),
  });

  describe('requestCancel', () => {
    test('keeps the wish, with its time and its reason, in every state before the end', async () => {
      await using history = await openNew();
      const attempt = attemptEvents();
      const moves = [[], [attempt.assigned()], [attempt.running()], [attempt.released('retry')]];
      for (const state of moves.keys()) {
        const job_id = `${ID}-${state}`;
        await history.accept(accepted({ job_id }));
        await history.record(
          moves
            .slice(0, state + 1)
            .flat()
            .map((event) => ({ ...event, job_id })),
        );
        const answer = await history.requestCancel(TENANT, job_id, 'not needed');
        expect(answer).toMatchObject({ outcome: 'requested', job: { job_id, detail: 'cancelling' } });
        expect(answer?.job.cancel_requested_at).toEqual(expect.any(String));
      }
      const { cancels } = await history.openCancels({ limit: 10 });
      expect(cancels.map(({ job }) => job.status)).toEqual(['pending', 'assigned', 'running', 'pending']);
      expect(cancels.map(({ reason }) => reason)).toEqual(Array(4).fill('not needed'));
    });

    test('is seen while the job goes on, whatever its attempt tells, until its end', async () => {
      await using history = await openNew();
      await history.accept(accepted());
      const attempt = attemptEvents();
      await history.requestCancel(TENANT, ID, 'not needed');
      for (const event of [attempt.assigned(), attempt.running(), attempt.progress()]) {
        await history.record([event]);
        expect(await history.find(TENANT, ID)).toMatchObject({
          status: event.type === 'assigned' ? 'assigned' : 'running',
          detail: 'cancelling',
        });
      }
      await history.record([attempt.finished({ status: 'cancelled', error: NOT_NEEDED })]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'cancelled', detail: 'not needed' });
      expect((await history.openCancels({ limit: 10 })).cancels).toEqual([]);
    });

    test('keeps the first wish when another follows', async () => {
      await using history = await openNew();
      await history.accept(accepted());
      const first = await history.requestCancel(TENANT, ID, 'not needed');
      expect(await history.requestCancel(TENANT, ID, 'really not')).toEqual(first);
      expect((await history.openCancels({ limit: 10 })).cancels).toMatchObject([{ reason: 'not needed' }]);
    });

    test('refuses what the document forbids, what has ended, and what is unknown', async () => {
      await using history = await openNew();
      await history.accept(accepted({ execution: { cancellable: false } }));
      expect(await history.requestCancel(TENANT, ID, 'why not')).toMatchObject({ outcome: 'refused' });
      expect(await history.find(TENANT, ID)).toMatchObject({ detail: null, cancel_requested_at: null });
      await history.record([attemptEvents().finished()]);
      expect(await history.requestCancel(TENANT, ID, 'why not')).toMatchObject({
        outcome: 'ended',
        job: { status: 'completed' },
      });
      expect(await history.requestCancel(TENANT, 'job-unknown-1', 'why not')).toBeUndefined();
    });
  });

  test('openCancels pages through the wishes in order of acceptance', async () => {
    await using history = await openNew();
    const ids = Array.from({ length: 5 }, (_, n) => `job-number-${n}`);
    for (const job_id of ids) await history.accept(accepted({ job_id }));
    for (const job_id of ids.toReversed()) await history.requestCancel(TENANT, job_id, 'not needed');
    const seen: string[] = [];
    let after: number | undefined = 0;
    while (after !== undefined) {
      const page = await history.openCancels({ limit: 2, after });
      seen.push(...page.cancels.map(({ job }) => job.job_id));
      after = page.next;
    }
    expect(seen).toEqual(ids);
  });

  describe('endUnheld', () => {
    test('ends a waiting job with a result that says why', async () => {
      await using history = await openNew();
      await history.accept(accepted());
      expect(await history.endUnheld(TENANT, ID, NOT_NEEDED)).toBe(true);
      expect(await history.find(TENANT, ID)).toMatchObject({
        ...{ status: 'cancelled', detail: 'not needed', started_at: null, worker_id: null },
        error: { code: 'CANCELLED', message: 'not needed' },
      });
      expect(await history.result(TENANT, ID)).toMatchObject({ status: 'cancelled' });
      expect(await history.attempts(TENANT, ID)).toEqual([]);
      expect(await history.events(TENANT, ID, { limit: 5 })).toMatchObject([{ type: 'finished' }]);
    });

    test('ends in the state of the error', async () => {
      await using history = await openNew();
      await history.accept(accepted());
      await history.endUnheld(TENANT, ID, jobError('WAIT_TIMEOUT', 'too long'));
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'timeout', error: { code: 'WAIT_TIMEOUT' } });
    });

    test('leaves the end of an earlier attempt as it was, and ends one that has none', async () => {
      await using history = await openNew();
      const attempt = attemptEvents();
      await history.accept(accepted());
      await history.record([attempt.assigned(), attempt.released('retry')]);
      await history.endUnheld(TENANT, ID, NOT_NEEDED);
      expect((await history.attempts(TENANT, ID)).map(({ outcome }) => outcome)).toEqual(['retry']);

      await history.accept(accepted({ job_id: 'job-test-0002' }));
      await history.record([attemptEvents({ job_id: 'job-test-0002' }).running()]);
      await history.endUnheld(TENANT, 'job-test-0002', NOT_NEEDED);
      expect((await history.attempts(TENANT, 'job-test-0002')).map(({ outcome }) => outcome)).toEqual(['cancelled']);
    });

    test('leaves alone a job that has ended, or that is unknown', async () => {
      await using history = await openNew();
      await history.accept(accepted());
      await history.record([attemptEvents().finished()]);
      expect(await history.endUnheld(TENANT, ID, NOT_NEEDED)).toBe(false);
      expect(await history.endUnheld(TENANT, 'job-unknown-1', NOT_NEEDED)).toBe(false);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'completed' });
    });

    test('agrees with a worker that ends the job at the same time on who was first', async () => {
      const open = await create();
      await using canceller = await open();
      await using recorder = await open();
      for (let round = 0; round < 20; round += 1) {
        const job_id = `job-number-${round}`;
        await canceller.accept(accepted({ job_id }));
        const [isEnded] = await Promise.all([
          canceller.endUnheld(TENANT, job_id, NOT_NEEDED),
          recorder.record([attemptEvents({ job_id }).finished()]),
        ]);
        const status = isEnded ? 'cancelled' : 'completed';
        expect(await recorder.find(TENANT, job_id)).toMatchObject({ status });
        expect(await recorder.result(TENANT, job_id)).toMatchObject({ status });
      }
    });

    test('is not undone by a worker that had the job unseen', async () => {
      await using history = await openNew();
      await history.accept(accepted());
      await history.endUnheld(TENANT, ID, NOT_NEEDED);
      const attempt = attemptEvents();
      await history.record([attempt.assigned(), attempt.running(), attempt.finished()]);
      expect(await history.find(TENANT, ID)).toMatchObject({ status: 'cancelled', detail: 'not needed' });
      expect(await history.result(TENANT, ID)).toMatchObject({ status: 'cancelled' });
    });
  });
});
