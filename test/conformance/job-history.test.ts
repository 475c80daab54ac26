import type { AcceptedJob, JobFilter, JobHistory, JobRecord } from '@guestkit/core/history/job-history';
import { jobError } from '@guestkit/core/job/error-code';
import type { JobEvent } from '@guestkit/core/job/event';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';
import { honestEvents, shuffled } from '../support/job-history-arbitrary.ts';

const TENANT = 'acme';
const ACCEPTED_AT_MS = Date.UTC(2026, 4, 4, 8);

describe.for(await historyImplementations())('$name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();

  describe('accept', () => {
    test('keeps the whole document, and answers with the job', async () => {
      await using history = await openNew();
      const document = jobDocument({
        metadata: { name: 'nightly', labels: { tier: 'web' } },
        execution: { priority: 8, max_attempts: 3, idempotency_key: 'k-1' },
        payload: { type: 'system.echo.v1', data: { text: 'ä \u0001 "quoted" 💾', list: [1, null, { deep: true }] } },
        observability: { trace_id: 't-1' },
      });
      const acceptance = await history.accept(accepted(document));
      expect(acceptance).toEqual({ outcome: 'created', job: await history.find(TENANT, document.job_id) });
      expect(acceptance.job).toEqual({
        ...{ tenant: TENANT, pool: 'default', job_id: document.job_id, operation: 'system.echo', name: 'nightly' },
        ...{ labels: { tier: 'web' }, priority: 8, status: 'pending', detail: null, attempt: 0, worker_id: null },
        ...{ created_at: '2026-05-04T08:00:00Z', submitted_at: '2026-05-04T08:00:00.000Z' },
        ...{
          started_at: null,
          completed_at: null,
          cancel_requested_at: null,
          error: null,
          archived_at: null,
          document,
        },
      });
      // the order of members is part of how a document is shown
      expect(Object.keys(acceptance.job.document)).toEqual(Object.keys(document));
    });

    test('answers the same content under the same id with the first job', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const again = await history.accept(accepted(jobDocument({ created_at: '2026-05-05T00:00:00Z' })));
      expect(again).toMatchObject({ outcome: 'duplicate', job: { created_at: '2026-05-04T08:00:00Z' } });
    });

    test('refuses other content under the same id', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const other = await history.accept(accepted(jobDocument({ operation: 'test.echo' })));
      expect(other).toMatchObject({ outcome: 'conflict', field: 'job_id', job: { operation: 'system.echo' } });
    });

    test('answers the same content under the same idempotency key with the first job', async () => {
      await using history = await openNew();
      await history.accept(accepted(keyed('job-first-01', 'k-1')));
      const again = await history.accept(accepted(keyed('job-second-1', 'k-1')));
      expect(again).toMatchObject({ outcome: 'duplicate', job: { job_id: 'job-first-01' } });
      expect(await history.find(TENANT, 'job-second-1')).toBeUndefined();
    });

    test('refuses other content under the same idempotency key', async () => {
      await using history = await openNew();
      await history.accept(accepted(keyed('job-first-01', 'k-1')));
      const other = await history.accept(accepted(keyed('job-second-1', 'k-1', { operation: 'test.echo' })));
      expect(other).toMatchObject({ outcome: 'conflict', field: 'execution.idempotency_key' });
    });

    test('creates the second of two that come together under one id when the first repeats the key of another job', async () => {
      await using history = await openNew();
      await history.accept(accepted(keyed('job-first-01', 'k-1')));
      const acceptances = await Promise.all([
        history.accept(accepted(keyed('job-second-1', 'k-1'))),
        history.accept(accepted(keyed('job-second-1', 'k-2'))),
      ]);
      expect(acceptances.map(({ outcome }) => outcome)).toEqual(['conflict', 'created']);
      expect((await history.find(TENANT, 'job-second-1'))?.document.execution?.idempotency_key).toBe('k-2');
    });

    test('leaves a key free that comes with the id of another job', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument({ job_id: 'job-first-01' })));
      const acceptances = await Promise.all([
        history.accept(accepted(keyed('job-first-01', 'k-1'))),
        history.accept(accepted(keyed('job-second-1', 'k-1'))),
        history.accept(accepted(keyed('job-third-01', 'k-1'))),
      ]);
      expect(acceptances).toMatchObject([
        { outcome: 'conflict', field: 'job_id' },
        { outcome: 'created', job: { job_id: 'job-second-1' } },
        { outcome: 'duplicate', job: { job_id: 'job-second-1' } },
      ]);
    });

    test('keeps ids and keys of tenants apart', async () => {
      await using history = await openNew();
      await history.accept(accepted(keyed('job-first-01', 'k-1')));
      const other = await history.accept({ ...accepted(keyed('job-first-01', 'k-1')), tenant: 'other' });
      expect(other.outcome).toBe('created');
    });

    test('creates one job for many who submit it at once, in several processes', async () => {
      const open = await create();
      await using first = await open();
      await using second = await open();
      const acceptances = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? first : second).accept(accepted(keyed(`job-racer-${index}`, 'same key'))),
        ),
      );
      expect(acceptances.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
      expect(new Set(acceptances.map(({ job }) => job.job_id)).size).toBe(1);
      expect(await first.count({ tenant: TENANT })).toBe(1);
    });

    test('answers all of two processes that are given the same in opposite order', async () => {
      const open = await create();
      await using first = await open();
      await using second = await open();
      for (let round = 0; round < 10; round += 1) {
        const documents = Array.from({ length: 40 }, (_, index) =>
          keyed(`job-mirror-${round}-${index}`, `k-${index}-${round}`),
        );
        const acceptances = await Promise.all([
          ...documents.map((document) => first.accept(accepted(document))),
          ...documents.toReversed().map((document) => second.accept(accepted(document))),
        ]);
        expect(acceptances.map(({ outcome }) => outcome).sort()).toEqual([
          ...documents.map(() => 'created'),
          ...documents.map(() => 'duplicate'),
        ]);
      }
      expect(await first.count({ tenant: TENANT })).toBe(400);
    });

    test.each(['\0', '\ud800', 'a\udfffb', '\uFFFE0000', '\\u0000', '💾'])(
      'keeps the odd text %j exactly',
      async (text) => {
        await using history = await openNew();
        const document = jobDocument({
          metadata: { name: text, labels: { [text]: text } },
          payload: { type: 'system.echo.v1', data: { [text]: [text] } },
        });
        const { job } = await history.accept(accepted(document));
        expect(job).toEqual(await history.find(TENANT, document.job_id));
        expect(job).toMatchObject({ name: text, labels: { [text]: text }, document });
        const { jobs } = await history.list({ tenant: TENANT, labels: { [text]: text } }, { limit: 2 });
        expect(idsOf(jobs)).toEqual([document.job_id]);
        await history.record([attemptEvents().finished({ data: { [text]: text } })]);
        expect(await history.result(TENANT, document.job_id)).toMatchObject({ data: { [text]: text } });
      },
    );

    test('keeps extreme numbers and deep nesting exactly', async () => {
      await using history = await openNew();
      const deep = JSON.parse('['.repeat(120) + ']'.repeat(120));
      const numbers = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 0.1, 1e21, 2 ** 53, -1.5e-7];
      const document = jobDocument({ payload: { type: 'system.echo.v1', data: { deep, numbers } } });
      await history.accept(accepted(document));
      expect((await history.find(TENANT, document.job_id))?.document).toEqual(document);
    });

    test('tells idempotency keys apart that are very long', async () => {
      await using history = await openNew();
      // hardly to be compressed
      const long = Array.from({ length: 900 }, (_, index) => Math.sqrt(index)).join();
      await history.accept(accepted(keyed('job-first-01', `${long}1`)));
      const again = await history.accept(accepted(keyed('job-again-01', `${long}1`)));
      expect(again).toMatchObject({ outcome: 'duplicate', job: { job_id: 'job-first-01' } });
      expect((await history.accept(accepted(keyed('job-second-1', `${long}2`)))).outcome).toBe('created');
      expect(again.job.document.execution?.idempotency_key).toBe(`${long}1`);
    });

    test('is durable: another process finds the job when the call is over', async () => {
      const open = await create();
      await using writer = await open();
      await writer.accept(accepted(jobDocument()));
      await using reader = await open();
      expect(await reader.find(TENANT, 'job-test-0001')).toMatchObject({ status: 'pending' });
    });

    test('keeps up with many at once', async () => {
      await using history = await openNew();
      const documents = numbered(1_200);
      const acceptances = await Promise.all(documents.map((document) => history.accept(accepted(document))));
      expect(acceptances.map(({ job }) => job.job_id)).toEqual(documents.map(({ job_id }) => job_id));
      expect(await history.count({ tenant: TENANT, status: ['pending'] })).toBe(documents.length);
    });
  });

  describe('notEnqueued', () => {
    test('lists accepted jobs of some age that were not marked, oldest first', async () => {
      await using history = await openNew();
      for (const [index, document] of numbered(4).entries()) {
        await history.accept({ ...accepted(document), acceptedAtMs: ACCEPTED_AT_MS + index * 1_000 });
      }
      await history.markEnqueued(TENANT, ['job-number-1']);
      const left = await history.notEnqueued(ACCEPTED_AT_MS + 2_500, 10);
      expect(left.map(({ document }) => document.job_id)).toEqual(['job-number-0', 'job-number-2']);
      expect(left[1]).toEqual({
        ...accepted(jobDocument({ job_id: 'job-number-2' })),
        acceptedAtMs: ACCEPTED_AT_MS + 2_000,
      });
      expect(await history.notEnqueued(ACCEPTED_AT_MS + 9_000, 1)).toHaveLength(1);
    });

    test('leaves out a job that a worker has, and one that was cancelled', async () => {
      await using history = await openNew();
      for (const document of numbered(2)) await history.accept(accepted(document));
      await history.record([attemptEvents({ job_id: 'job-number-0' }).assigned()]);
      await history.endUnheld(TENANT, 'job-number-1', jobError('CANCELLED', 'not needed'));
      expect(await history.notEnqueued(Date.now(), 10)).toEqual([]);
      // nor are they counted from then on
      expect(await history.countNotEnqueued(10)).toBe(0);
    });

    test('finds what waits behind more that needs carrying no longer than it is asked for', async () => {
      await using history = await openNew();
      for (const document of numbered(4)) await history.accept(accepted(document));
      for (const { job_id } of numbered(3)) {
        await history.endUnheld(TENANT, job_id, jobError('CANCELLED', 'not needed'));
      }
      const left = await history.notEnqueued(Date.now(), 2);
      expect(left.map(({ document }) => document.job_id)).toEqual(['job-number-3']);
    });
  });

  describe('record', () => {
    test('follows a job to its result, and knows its attempts and events', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const attempt = attemptEvents();
      const events = [
        attempt.assigned(),
        attempt.running(),
        attempt.progress(),
        attempt.finished({ data: { a: [1] } }),
      ];
      for (const event of events) await history.record([event]);
      const [begin, , , end] = events;
      expect(await history.find(TENANT, 'job-test-0001')).toMatchObject({
        ...{ status: 'completed', attempt: 1, worker_id: 'worker-1', error: null },
        ...{ started_at: begin?.timestamp, completed_at: end?.timestamp },
      });
      expect(await history.result(TENANT, 'job-test-0001')).toMatchObject({ status: 'completed', data: { a: [1] } });
      expect(await history.attempts(TENANT, 'job-test-0001')).toEqual([
        {
          ...{ attempt: 1, worker_id: 'worker-1', outcome: 'completed', error: null },
          ...{ started_at: begin?.timestamp, ended_at: end?.timestamp },
        },
      ]);
      expect(await history.events(TENANT, 'job-test-0001', { limit: 10 })).toEqual(events);
      const afterSecond = { after: events[1]?.sequence ?? 0, limit: 1 };
      expect(await history.events(TENANT, 'job-test-0001', afterSecond)).toEqual([events[2]]);
    });

    test('keeps the error of a job that failed', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const error = {
        code: 'IMAGE_CORRUPT',
        message: 'bad',
        details: { offset: 3 },
        recoverable: false,
        retry_recommended: false,
      };
      await history.record([attemptEvents().finished({ status: 'failed', error })]);
      expect(await history.find(TENANT, 'job-test-0001')).toMatchObject({ status: 'failed', error });
    });

    test('refuses the end of an attempt that was overtaken: neither row nor events know of it', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const late = attemptEvents();
      const current = attemptEvents({ attempt: 2, worker_id: 'worker-2' });
      await history.record([late.running(), current.running()]);
      await history.record([late.finished({ data: 'late' })]);
      expect(await history.find(TENANT, 'job-test-0001')).toMatchObject({ status: 'running', worker_id: 'worker-2' });
      await history.record([current.finished({ data: 'current' })]);
      await history.record([late.finished({ data: 'very late' })]);
      expect(await history.result(TENANT, 'job-test-0001')).toMatchObject({ data: 'current' });
      const outcomes = (await history.attempts(TENANT, 'job-test-0001')).map(({ outcome }) => outcome);
      expect(outcomes).toEqual(['lost', 'completed']);
      const types = (await history.events(TENANT, 'job-test-0001', { limit: 10 })).map(({ type }) => type);
      expect(types).toEqual(['running', 'running', 'finished']);
    });

    test('closes an attempt that began after the end of its job, whatever it tells of its own', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const late = attemptEvents({ attempt: 2, worker_id: 'worker-2' });
      await history.record([attemptEvents().finished({ data: 'first' }), late.running()]);
      const end = late.finished({ status: 'failed' });
      for (const events of [[end], [end]]) await history.record(events);
      expect(await history.result(TENANT, 'job-test-0001')).toMatchObject({ status: 'completed', data: 'first' });
      const attempts = await history.attempts(TENANT, 'job-test-0001');
      expect(attempts).toMatchObject([{ outcome: 'completed' }, { outcome: 'lost', ended_at: end.timestamp }]);
      const types = (await history.events(TENANT, 'job-test-0001', { limit: 10 })).map(({ type }) => type);
      expect(types).toEqual(['finished', 'running', 'released']);
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toBeUndefined();
    });

    test('writes thousands of events in one call', async () => {
      await using history = await openNew();
      const documents = numbered(1_100);
      await Promise.all(documents.map((document) => history.accept(accepted(document))));
      await history.markEnqueued(
        TENANT,
        documents.map(({ job_id }) => job_id),
      );
      await history.record(
        documents.flatMap(({ job_id }) => {
          const attempt = attemptEvents({ job_id });
          return [attempt.assigned(), attempt.running(), attempt.finished()];
        }),
      );
      expect(await history.count({ tenant: TENANT, status: ['completed'] })).toBe(documents.length);
      expect(await history.notEnqueued(Date.now(), 10)).toEqual([]);
    });

    test('writes of hundreds of jobs with many attempts in one call', async () => {
      await using history = await openNew();
      const documents = numbered(400);
      await Promise.all(documents.map((document) => history.accept(accepted(document))));
      const attempts = Array.from({ length: 15 }, (_, index) => index + 1);
      for (const attempt of attempts) {
        await history.record(documents.map(({ job_id }) => attemptEvents({ job_id, attempt }).assigned()));
      }
      const outcomes = (await history.attempts(TENANT, 'job-number-399')).map(({ outcome }) => outcome);
      expect(outcomes).toEqual([...attempts.slice(1).map(() => 'lost'), 'running']);
    });

    test('passes over events of a job that it does not know', async () => {
      await using history = await openNew();
      await history.record([attemptEvents({ job_id: 'job-unknown-1' }).running()]);
      expect(await history.find(TENANT, 'job-unknown-1')).toBeUndefined();
      expect(await history.events(TENANT, 'job-unknown-1', { limit: 10 })).toEqual([]);
    });

    test('keeps jobs and tenants of one batch apart', async () => {
      await using history = await openNew();
      for (const tenant of ['acme', 'other']) {
        for (const document of numbered(3)) await history.accept({ ...accepted(document), tenant });
      }
      await history.record([
        attemptEvents({ job_id: 'job-number-0' }).running(),
        attemptEvents({ job_id: 'job-number-1', tenant: 'other' }).finished(),
      ]);
      const states = async (tenant: string) =>
        (await history.list({ tenant }, { limit: 9 })).jobs.map(({ status }) => status);
      expect(await states('acme')).toEqual(['pending', 'pending', 'running']);
      expect(await states('other')).toEqual(['pending', 'completed', 'pending']);
    });

    test('comes to the same job in any order and repetition, whoever records which part', async () => {
      const open = await create();
      await using first = await open();
      await using second = await open();
      let told = 0;
      await fc.assert(
        fc.asyncProperty(
          honestEvents('job').chain((events) => fc.tuple(fc.constant(events), shuffled(events), fc.nat(20))),
          async ([events, disorder, half]) => {
            const inOrder = await retell(first, `job-order-${told}`, [events]);
            const anyhow = await retell(
              first,
              `job-anyhow-${told}`,
              [disorder.slice(0, half), disorder.slice(half)],
              second,
            );
            told += 1;
            expect(anyhow).toEqual(inOrder);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('comes to one end of each job when two processes record the same in opposite order, at once', async () => {
      const open = await create();
      await using first = await open();
      await using second = await open();
      const documents = numbered(60);
      await Promise.all(documents.map((document) => first.accept(accepted(document))));
      const told = documents.map(({ job_id }) => {
        const attempt = attemptEvents({ job_id });
        return [attempt.assigned(), attempt.running(), attempt.progress(), attempt.finished({ data: job_id })];
      });
      const writing = told.flatMap((events) => events.map((event) => first.record([event])));
      const again = told.toReversed().map((events) => second.record(events));
      await Promise.all([...writing, ...again, second.record(told.flat()), first.record(told.toReversed().flat())]);
      for (const [index, { job_id }] of documents.entries()) {
        expect(await second.find(TENANT, job_id)).toMatchObject({ status: 'completed', attempt: 1 });
        expect(await second.result(TENANT, job_id)).toMatchObject({ data: job_id });
        expect(await second.attempts(TENANT, job_id)).toMatchObject([{ outcome: 'completed' }]);
        const kinds = (await second.events(TENANT, job_id, { limit: 9 })).map(({ type }) => type);
        expect(kinds).toEqual(told[index]?.map(({ type }) => type));
      }
    });

    test('keeps about the newest thousand reports of progress, and every change of state', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      const attempt = attemptEvents();
      const events: JobEvent[] = [attempt.assigned(), attempt.running()];
      for (let step = 0; step < 2_500; step += 1) events.push(attempt.progress(`step ${step}`));
      for (let from = 0; from < events.length; from += 200) await history.record(events.slice(from, from + 200));
      const kept = await history.events(TENANT, 'job-test-0001', { limit: 5_000 });
      expect(kept.slice(0, 2).map(({ type }) => type)).toEqual(['assigned', 'running']);
      expect(kept.at(-1)).toMatchObject({ message: 'step 2499' });
      expect(kept.length).toBeGreaterThanOrEqual(1_000);
      expect(kept.length).toBeLessThanOrEqual(1_102);
    });
  });

  describe('list and count', () => {
    test('pages through all jobs, newest first, each once, even while others arrive', async () => {
      await using history = await openNew();
      for (const document of numbered(7)) await history.accept(accepted(document));
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await history.list({ tenant: TENANT }, { limit: 3, ...(cursor === null ? {} : { cursor }) });
        seen.push(...idsOf(page.jobs));
        cursor = page.nextCursor;
        await history.accept(accepted(jobDocument({ job_id: `job-arrives-${seen.length}` })));
      } while (cursor !== null);
      expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((index) => `job-number-${index}`));
    });

    test('knows the last page when it is exactly full', async () => {
      await using history = await openNew();
      for (const document of numbered(3)) await history.accept(accepted(document));
      expect((await history.list({ tenant: TENANT }, { limit: 3 })).nextCursor).toBeNull();
    });

    test.each(['', 'rubbish', 'am9iOi0x', 'am9iOjEnIG9yIDE9MQ'])('refuses the foreign cursor "%s"', async (cursor) => {
      await using history = await openNew();
      await expect(history.list({ tenant: TENANT }, { limit: 3, cursor })).rejects.toThrow(RangeError);
    });

    test('filters by status, operation and labels, each and together', async () => {
      await using history = await openNew();
      const labelled = (job_id: string, operation: string, labels: Record<string, string>) =>
        history.accept(accepted(jobDocument({ job_id, operation, metadata: { labels } })));
      await labelled('job-number-0', 'system.echo', { tier: 'web', zone: 'a' });
      await labelled('job-number-1', 'system.echo', { tier: 'web', zone: 'b' });
      await labelled('job-number-2', 'test.echo', { tier: 'db' });
      await history.record([attemptEvents({ job_id: 'job-number-1' }).running()]);
      const expected: readonly (readonly [Omit<JobFilter, 'tenant'>, readonly number[]])[] = [
        [{}, [2, 1, 0]],
        [{ status: ['pending'] }, [2, 0]],
        [{ status: ['pending', 'running'] }, [2, 1, 0]],
        [{ status: [] }, []],
        [{ operation: ['system.echo'] }, [1, 0]],
        [{ operation: ['system.echo', 'test.echo'] }, [2, 1, 0]],
        [{ labels: { tier: 'web' } }, [1, 0]],
        [{ labels: { tier: 'web', zone: 'b' } }, [1]],
        [{ labels: { tier: 'web', zone: 'c' } }, []],
        [{ labels: { tier: 'web' }, status: ['pending'], operation: ['system.echo'] }, [0]],
      ];
      for (const [filter, numbers] of expected) {
        const { jobs } = await history.list({ tenant: TENANT, ...filter }, { limit: 10 });
        expect(idsOf(jobs)).toEqual(numbers.map((number) => `job-number-${number}`));
        expect(await history.count({ tenant: TENANT, ...filter })).toBe(numbers.length);
      }
    });

    test.each([`it's`, `a"b`, 'a.b', '$.x', `') or 1=1 --`, 'ключ', ''])(
      'finds jobs by the label name "%s", and only those',
      async (name) => {
        await using history = await openNew();
        await history.accept(accepted(jobDocument({ job_id: 'job-number-0', metadata: { labels: { [name]: name } } })));
        await history.accept(accepted(jobDocument({ job_id: 'job-number-1', metadata: { labels: { other: 'x' } } })));
        const { jobs } = await history.list({ tenant: TENANT, labels: { [name]: name } }, { limit: 10 });
        expect(idsOf(jobs)).toEqual(['job-number-0']);
      },
    );

    test('shows a tenant no jobs of another', async () => {
      await using history = await openNew();
      await history.accept(accepted(jobDocument()));
      expect(await history.list({ tenant: 'other' }, { limit: 10 })).toEqual({ jobs: [], nextCursor: null });
      expect(await history.count({ tenant: 'other' })).toBe(0);
      expect(await history.find('other', 'job-test-0001')).toBeUndefined();
    });
  });

  test('knows nothing of a job that was never accepted', async () => {
    await using history = await openNew();
    expect(await history.find(TENANT, 'job-unknown-1')).toBeUndefined();
    expect(await history.result(TENANT, 'job-unknown-1')).toBeUndefined();
    expect(await history.attempts(TENANT, 'job-unknown-1')).toEqual([]);
  });

  test('can be opened by several processes at once, new or not', async () => {
    const open = await create();
    for (const _round of [1, 2]) {
      const opened = await Promise.all(Array.from({ length: 4 }, open));
      for (const history of opened) await history[Symbol.asyncDispose]();
    }
  });
});

function accepted(document: AcceptedJob['document']): AcceptedJob {
  return { tenant: TENANT, pool: 'default', document, acceptedAtMs: ACCEPTED_AT_MS };
}

function keyed(job_id: string, idempotency_key: string, given: Readonly<Record<string, unknown>> = {}) {
  return jobDocument({ job_id, execution: { idempotency_key }, ...given });
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, index) => jobDocument({ job_id: `job-number-${index}` }));
}

function idsOf(jobs: readonly JobRecord[]): readonly string[] {
  return jobs.map(({ job_id }) => job_id);
}

/** Tells one new job the events in batches, every other one through another process, and says what has become of it. */
async function retell(history: JobHistory, jobId: string, batches: readonly (readonly JobEvent[])[], other = history) {
  await history.accept(accepted(jobDocument({ job_id: jobId })));
  for (const [index, batch] of batches.entries()) {
    const events = batch.map((event) => ({ ...event, job_id: jobId }));
    await (index % 2 === 0 ? history : other).record(events);
  }
  const job = await history.find(TENANT, jobId);
  return {
    job: { ...job, job_id: '', document: null },
    result: await history.result(TENANT, jobId),
    attempts: await history.attempts(TENANT, jobId),
    events: (await history.events(TENANT, jobId, { limit: 100 })).map((event) => ({ ...event, job_id: '' })),
  };
}
