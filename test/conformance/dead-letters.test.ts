import type { AcceptedJob, JobHistory } from '@guestkit/core/history/job-history';
import { REQUEUED_FROM, requeueDeadLetter } from '@guestkit/core/history/requeue';
import { type ErrorCode, jobError } from '@guestkit/core/job/error-code';
import type { FinishedEvent } from '@guestkit/core/job/event';
import { createMemoryQueue } from '@guestkit/core/queue/memory-queue';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

const TENANT = 'acme';
const AT_MS = Date.UTC(2026, 4, 4, 8);

describe.for(await historyImplementations())('$name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();

  describe('a dead letter', () => {
    test('is there as soon as a job has failed for good, and says of it what it is looked for by', async () => {
      await using history = await openNew();
      await accept(history, { metadata: { name: 'web 07', labels: { tier: 'web' } }, execution: { max_attempts: 2 } });
      const first = attemptEvents();
      await history.record([first.assigned(), first.running(), first.released('retry')]);
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toBeUndefined();
      const error = jobError('IMAGE_UNREADABLE', 'Cannot read the image: EIO');
      const end = { ...attemptEvents({ attempt: 2 }).finished({ status: 'failed', error }) };
      await history.record([{ ...end, dead_letter: { class: 'io', because: 'attempts' } }]);
      const letter = await history.findDeadLetter(TENANT, 'job-test-0001');
      expect(letter).toEqual({
        ...{ tenant: TENANT, job_id: 'job-test-0001', operation: 'system.echo', pool: 'default', name: 'web 07' },
        ...{ labels: { tier: 'web' }, status: 'failed', class: 'io', because: 'attempts', error, attempts: 2 },
        ...{ died_at: end.timestamp, requeued_as: null, requeued_at: null },
      });
    });

    test.each([
      ['completed', undefined, undefined],
      ['cancelled', 'CANCELLED', undefined],
      ['failed', 'IMAGE_CORRUPT', { class: 'corrupt', because: 'class' }],
      ['failed', 'WORKER_LOST', { class: 'worker-lost', because: 'attempts' }],
      ['timeout', 'DEADLINE_EXCEEDED', { class: 'deadline', because: 'deadline' }],
    ] as const)('of a job that ended as %s with %s, whoever told that, is %j', async (status, code, expected) => {
      await using history = await openNew();
      await accept(history);
      await history.record([finished('job-test-0001', status, code)]);
      const letter = await history.findDeadLetter(TENANT, 'job-test-0001');
      const [event] = await history.events(TENANT, 'job-test-0001', { limit: 10 });
      if (expected) expect(letter).toMatchObject(expected);
      else expect(letter).toBeUndefined();
      expect(event).toMatchObject({ type: 'finished' });
      expect(event && 'dead_letter' in event ? event.dead_letter : undefined).toEqual(expected);
    });

    test('is written once, and does not come back once it is purged, however often the end is told', async () => {
      await using history = await openNew();
      await accept(history);
      const end = finished('job-test-0001', 'failed', 'IMAGE_CORRUPT');
      await history.record([end, end]);
      await history.record([end, finished('job-test-0001', 'timeout', 'TIMEOUT', 2)]);
      expect(await history.countDeadLetters({ tenant: TENANT })).toEqual(new Map([['corrupt', 1]]));
      expect(await history.purgeDeadLetter(TENANT, 'job-test-0001')).toBe(true);
      expect(await history.purgeDeadLetter(TENANT, 'job-test-0001')).toBe(false);
      await history.record([end]);
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toBeUndefined();
      expect(await history.find(TENANT, 'job-test-0001')).toMatchObject({ status: 'failed' });
    });

    test('stays when its job is archived, which can be requeued from there, and goes with it at the end', async () => {
      await using history = await openNew();
      await using queue = createMemoryQueue();
      await die(history, 'job-test-0001', 'ATTEMPT_CRASHED');
      const all = { status: ['failed' as const], before: '2099-01-01T00:00:00.000Z', limit: 10 };
      expect(await history.archive(all)).toBe(1);
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toMatchObject({ class: 'crash' });
      expect(await requeue({ history, queue })).toMatchObject({ submission: { outcome: 'created' } });
      expect(await history.deleteArchived(all)).toBe(1);
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toBeUndefined();
    });

    test('goes with its job', async () => {
      await using history = await openNew();
      await die(history, 'job-test-0001', 'IMAGE_CORRUPT');
      await die(history, 'job-test-0002', 'IMAGE_CORRUPT');
      await history.purgeJobs(TENANT, ['job-test-0001']);
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toBeUndefined();
      expect(await history.findDeadLetter(TENANT, 'job-test-0002')).toBeDefined();
    });

    test('is nobody else’s', async () => {
      await using history = await openNew();
      await accept(history);
      await history.record([finished('job-test-0001', 'failed', 'IMAGE_CORRUPT')]);
      expect(await history.findDeadLetter('other', 'job-test-0001')).toBeUndefined();
      expect(await history.purgeDeadLetter('other', 'job-test-0001')).toBe(false);
      expect(await history.claimRequeue('other', 'job-test-0001', 'job-new-0001')).toBeUndefined();
      expect((await history.countDeadLetters({ tenant: 'other' })).size).toBe(0);
    });
  });

  describe('the list of dead letters', () => {
    test('goes from the last death back, page by page', async () => {
      await using history = await openNew();
      for (const n of [1, 2, 3, 4, 5]) await die(history, `job-test-000${n}`, 'IMAGE_CORRUPT');
      const seen: string[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const page = { limit: 2, ...(cursor !== undefined && { cursor }) };
        const { letters, nextCursor } = await history.listDeadLetters({ tenant: TENANT }, page);
        seen.push(...letters.map(({ job_id }) => job_id));
        cursor = nextCursor;
      }
      expect(seen).toEqual([5, 4, 3, 2, 1].map((n) => `job-test-000${n}`));
      await expect(history.listDeadLetters({ tenant: TENANT }, { limit: 1, cursor: 'am9iOjE' })).rejects.toThrow(
        RangeError,
      );
    });

    test('shows what every filter lets through, and counts it by class', async () => {
      await using history = await openNew();
      await die(history, 'job-io-00001', 'IMAGE_UNREADABLE', { operation: 'a.b' });
      await die(history, 'job-io-00002', 'IMAGE_UNREADABLE', { metadata: { labels: { tier: 'web', 'a"\n': '%_' } } });
      await die(history, 'job-crash-01', 'ATTEMPT_CRASHED', { metadata: { labels: { tier: 'WEB' } } });
      await history.claimRequeue(TENANT, 'job-crash-01', 'job-anew-001');
      const find = async (filter: object) => {
        const { letters } = await history.listDeadLetters({ tenant: TENANT, ...filter }, { limit: 10 });
        return letters.map(({ job_id }) => job_id);
      };
      expect(await find({ class: ['io'] })).toEqual(['job-io-00002', 'job-io-00001']);
      expect(await find({ class: ['io', 'crash'], operation: ['a.b'] })).toEqual(['job-io-00001']);
      expect(await find({ errorCode: ['ATTEMPT_CRASHED', 'TIMEOUT'] })).toEqual(['job-crash-01']);
      expect(await find({ labels: { tier: 'web' } })).toEqual(['job-io-00002']);
      expect(await find({ labels: { tier: 'web', 'a"\n': '%_' } })).toEqual(['job-io-00002']);
      expect(await find({ labels: { ier: 'web' } })).toEqual([]);
      expect(await find({ state: ['requeued'] })).toEqual(['job-crash-01']);
      expect(await find({ state: ['open'] })).toEqual(['job-io-00002', 'job-io-00001']);
      expect(await find({ state: ['open', 'requeued'] })).toHaveLength(3);
      const died_at = (await history.findDeadLetter(TENANT, 'job-io-00001'))?.died_at;
      expect(await find({ died: { since: died_at } })).toHaveLength(3);
      expect(await find({ died: { until: died_at } })).toEqual([]);
      const counts = await history.countDeadLetters({ tenant: TENANT });
      expect(Object.fromEntries(counts)).toEqual({ io: 2, crash: 1 });
    });
  });

  describe('requeueDeadLetter', () => {
    test('makes one new job that names the dead one, however often and by however many it is asked', async () => {
      await using history = await openNew();
      await using queue = createMemoryQueue();
      await die(history, 'job-test-0001', 'ATTEMPT_CRASHED', {
        metadata: { annotations: { change: '7' } },
        execution: { idempotency_key: 'k-1', max_attempts: 3 },
      });
      const requeues = await Promise.all([1, 2, 3].map(() => requeue({ history, queue })));
      const outcomes = requeues.map((requeued) => (requeued.kind === 'requeued' ? requeued.submission : undefined));
      expect(outcomes.map((submission) => submission?.outcome).sort()).toEqual(['created', 'duplicate', 'duplicate']);
      const [jobId, ...others] = new Set(outcomes.map((submission) => submission?.job.job_id));
      expect(others).toEqual([]);
      const job = await history.find(TENANT, jobId ?? '');
      expect(job?.document).toMatchObject({
        metadata: { annotations: { change: '7', [REQUEUED_FROM]: 'job-test-0001' } },
        execution: { max_attempts: 3 },
        payload: jobDocument().payload,
      });
      expect(job?.document.execution.idempotency_key).toBeUndefined();
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toMatchObject({ requeued_as: jobId });
      expect(await history.find(TENANT, 'job-test-0001')).toMatchObject({ status: 'failed' });
      expect(await queue.depth({ tenant: TENANT, pool: 'default' })).toMatchObject({ waiting: 1 });
    });

    test('takes another payload and other members of execution', async () => {
      await using history = await openNew();
      await using queue = createMemoryQueue();
      await die(history, 'job-test-0001', 'TIMEOUT', {
        execution: { timeout_seconds: 5, deadline: '2026-05-04T09:00:00Z' },
      });
      const edits = { payload: { data: { ping: 2 } }, execution: { timeout_seconds: 50, deadline: null } };
      expect(await requeue({ history, queue }, edits)).toMatchObject({
        kind: 'requeued',
        submission: {
          outcome: 'created',
          job: {
            document: { payload: { type: 'system.echo.v1', data: { ping: 2 } }, execution: { timeout_seconds: 50 } },
          },
        },
      });
      expect(await requeue({ history, queue }, { payload: { data: 3 }, execution: { deadline: null } })).toMatchObject({
        submission: { outcome: 'conflict' },
      });
    });

    test('refuses what could not run, and changes nothing', async () => {
      await using history = await openNew();
      await using queue = createMemoryQueue();
      await die(history, 'job-test-0001', 'TIMEOUT', { execution: { deadline: '2026-05-04T09:00:00Z' } });
      expect(await requeue({ history, queue })).toMatchObject({
        ...{
          kind: 'refused',
          reason: expect.stringMatching(/^its execution\.deadline passed at 2026-05-04T09:00:00Z/),
        },
      });
      await expect(requeue({ history, queue }, { execution: { priority: 11, deadline: null } })).rejects.toThrow(
        'Invalid field value: execution.priority - must be 1 to 10, got 11',
      );
      expect(await history.findDeadLetter(TENANT, 'job-test-0001')).toMatchObject({ requeued_as: null });
      expect(await requeueDeadLetter({ history, queue }, { tenant: TENANT, jobId: 'job-absent-1' })).toEqual({
        kind: 'no-letter',
      });
    });

    test('goes on where it was broken off after the letter was marked', async () => {
      await using history = await openNew();
      await using queue = createMemoryQueue();
      await die(history, 'job-test-0001', 'ATTEMPT_CRASHED');
      await history.claimRequeue(TENANT, 'job-test-0001', 'job-anew-001');
      const requeued = await requeue({ history, queue });
      expect(requeued).toMatchObject({ submission: { outcome: 'created', job: { job_id: 'job-anew-001' } } });
    });
  });
});

function requeue(parts: Parameters<typeof requeueDeadLetter>[0], edits = {}) {
  return requeueDeadLetter(parts, { tenant: TENANT, jobId: 'job-test-0001' }, edits);
}

async function accept(history: JobHistory, members: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const job: AcceptedJob = { tenant: TENANT, pool: 'default', document: jobDocument(members), acceptedAtMs: AT_MS };
  await history.accept(job);
}

async function die(history: JobHistory, job_id: string, code: ErrorCode, members: object = {}): Promise<void> {
  await accept(history, { ...members, job_id });
  await history.record([finished(job_id, 'failed', code)]);
}

function finished(
  job_id: string,
  status: FinishedEvent['result']['status'],
  code: ErrorCode | undefined,
  attempt = 1,
): FinishedEvent {
  return attemptEvents({ job_id, attempt }).finished({ status, ...(code && { error: jobError(code, 'no luck') }) });
}
