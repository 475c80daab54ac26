import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openFileStore } from '@guestkit/core/artifact/file-store';
import { openArtifact } from '@guestkit/core/artifact/read-artifact';
import { readRetrySettings } from '@guestkit/core/config/retry-setting';
import { CancelCopy } from '@guestkit/core/coordination/cancel-copy';
import type { EventStream } from '@guestkit/core/coordination/event-stream';
import type { AttemptClaim, Fence } from '@guestkit/core/coordination/fence';
import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import { ERROR_CLASSES } from '@guestkit/core/job/error-class';
import type { JobEvent } from '@guestkit/core/job/event';
import type { Delivery, Outcome, QueuedJob } from '@guestkit/core/queue/job-queue';
import { createLogger } from '@guestkit/core/telemetry/logger';
import { createWorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';
import { runners } from '@guestkit/operations/runners';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobDocument } from '../../../../test/support/job.ts';
import { JailPool } from '../jail/pool.ts';
import { MISBEHAVING_RUNNERS } from '../testing/jail-bench.ts';
import { QUEUE, TEST_REPERTOIRE } from '../testing/worker-bench.ts';
import type { AttemptHost } from './host.ts';
import type { DataKeeping } from './keep-data.ts';
import { createAttemptHandler } from './run-attempt.ts';

let jails: JailPool;
let keeping: DataKeeping;
const folder = mkdtempSync(path.join(tmpdir(), 'gk-attempt-'));

beforeAll(async () => {
  jails = await JailPool.start({
    ...{ runnersModule: MISBEHAVING_RUNNERS, memoryMb: 128, asNobody: true, slots: 1, killGraceMs: 200 },
    ...{ imageRoots: [], outputRoots: [], references: 'deny', maxDiskSizeGb: 0 },
    onBroken: () => undefined,
  });
  keeping = { artifacts: await openFileStore(folder), resultInlineBytes: 64 * 1024, resultLimitBytes: 2 ** 20 };
});

afterAll(async () => {
  await jails?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('an attempt', () => {
  test('has told the end of the job before it answers the queue', async () => {
    const { told, events } = recorder();
    const outcome = await handle(delivery('system.echo'), { events });
    expect(outcome).toMatchObject({ kind: 'completed', summary: { status: 'completed' } });
    expect(told.at(-1)?.type).toBe('finished');
  });

  test('numbers its events by attempt', async () => {
    const { told, events } = recorder();
    await handle({ ...delivery('system.echo'), attempt: 3 }, { events });
    expect(told.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4, 5].map((n) => 2 * 2 ** 20 + n));
  });

  test('tells all of what ran in the worker itself at once', async () => {
    const portions: (readonly JobEvent[])[] = [];
    const events = { ...recorder().events, publish: async (told: readonly JobEvent[]) => void portions.push(told) };
    await handle(delivery('system.echo'), { events });
    expect(portions).toHaveLength(1);
    const types = portions[0]?.map(({ type }) => type);
    expect([types?.slice(0, 2), types?.at(-1)]).toEqual([['assigned', 'running'], 'finished']);
  });

  test('leaves its end in the queue when it ran in a jail, which costs more to run again', async () => {
    const { told, events } = recorder();
    const outcome = await handle(delivery('test.return'), { events });
    expect(outcome).toMatchObject({ kind: 'completed', summary: { status: 'completed', event: told.at(-1) } });
    const inline = await handle(delivery('system.echo'));
    expect(inline).toMatchObject({ kind: 'completed', summary: { status: 'completed' } });
    expect(inline.kind === 'completed' && inline.summary).not.toHaveProperty('event');
  });

  test('that lost its job stops, and tells nothing more', async () => {
    const lost = new AbortController();
    const { told, events } = recorder(({ type }) => type === 'progress' && lost.abort());
    expect(await handle(delivery('test.spin'), { events }, lost.signal)).toEqual({ kind: 'released' });
    expect(told.map(({ type }) => type)).toEqual(['assigned', 'running', 'progress']);
  });

  test('that was stopped for longer than it holds its job tells nothing, though no signal has fired', async () => {
    const { told, events } = recorder();
    expect(await handle({ ...delivery('system.echo'), isHeld: () => false }, { events })).toEqual({ kind: 'released' });
    expect(told).toEqual([]);
  });

  test('that loses its job while Redis does not answer does not wait for it', async () => {
    const lost = new AbortController();
    const events = { ...recorder().events, publish: () => new Promise<void>(() => lost.abort()) };
    expect(await handle(delivery('system.echo'), { events }, lost.signal)).toEqual({ kind: 'released' });
  });

  test('goes back to the queue, uncounted, when the worker leaves', async () => {
    const leaving = new AbortController();
    const { told, events } = recorder(({ type }) => type === 'progress' && leaving.abort());
    expect(await handle(delivery('test.spin'), { events, leaving: leaving.signal })).toEqual({ kind: 'released' });
    expect(told.at(-1)).toMatchObject({ type: 'released', reason: 'drain' });
  });

  test('that failed is followed by another, after the delay that its document asks for', async () => {
    const { told, events } = recorder();
    const retry = { policy: 'linear', delay_seconds: 7, jitter: 'none' };
    const job = delivery('test.abort', { execution: { max_attempts: 3, retry } });
    const outcome = await handle({ ...job, attempt: 2, failedAttempts: 1 }, { events });
    expect(outcome).toMatchObject({ kind: 'failed', retry: true, delayMs: 14_000 });
    // told once the queue has counted it
    expect(told.at(-1)).toMatchObject({ type: 'running' });
    counted(outcome);
    expect(told.at(-1)).toMatchObject({ type: 'released', reason: 'retry', error: { code: 'ATTEMPT_CRASHED' } });
  });

  test('that failed is followed as the worker is configured for its operation', async () => {
    const retry = readRetrySettings(['test.abort=fixed:5s:5s:none', '*=fixed:9s:9s:none']);
    const job = delivery('test.abort', { execution: { max_attempts: 2 } });
    expect(await handle(job, { retry })).toMatchObject({ retry: true, delayMs: 5_000 });
  });

  test('that failed as the last that max_attempts allows ends the job, which goes to the dead letters', async () => {
    const { told, events } = recorder();
    const job = delivery('test.abort', { execution: { max_attempts: 3 } });
    const outcome = await handle({ ...job, attempt: 9, failedAttempts: 2, lostAttempts: 4 }, { events });
    expect(outcome).toMatchObject({ kind: 'failed', retry: false });
    expect(told.at(-1)).toMatchObject({ type: 'finished', dead_letter: { class: 'crash', because: 'attempts' } });
  });

  test('is not followed by one that could begin only after the deadline', async () => {
    const { told, events } = recorder();
    const deadline = new Date(Date.now() + 20_000).toISOString();
    const retry = { policy: 'fixed', delay_seconds: 30, jitter: 'none' };
    const execution = { max_attempts: 3, deadline, retry };
    expect(await handle(delivery('test.abort', { execution }), { events })).toMatchObject({ retry: false });
    expect(told.at(-1)).toMatchObject({ type: 'finished', dead_letter: { class: 'crash', because: 'deadline' } });
  });

  test('whose image is corrupt is the last, whatever is to be retried', async () => {
    const { told, events } = recorder();
    const execution = { max_attempts: 9, retry: { retry_on: Object.keys(ERROR_CLASSES) } };
    expect(await handle(delivery('test.corrupt', { execution }), { events })).toMatchObject({ retry: false });
    expect(told.at(-1)).toMatchObject({ type: 'finished', dead_letter: { class: 'corrupt', because: 'class' } });
  });

  test('is refused after a vanished worker where retry_on leaves that class out', async () => {
    const { told, events } = recorder();
    const job = delivery('system.echo', { execution: { retry: { retry_on: ['io'] } } });
    expect(await handle({ ...job, lostAttempts: 1 }, { events })).toMatchObject({ retry: false });
    expect(told.at(-1)).toMatchObject({ dead_letter: { class: 'worker-lost', because: 'class' } });
    expect(await handle(job)).toMatchObject({ kind: 'completed' });
  });

  test('ends its job without running when that is to be cancelled', async () => {
    const { told, events } = recorder();
    const outcome = await handle(delivery('system.echo'), { events, cancels: cancelsOf('not needed') });
    expect(outcome).toMatchObject({ kind: 'failed', retry: false });
    expect(told.map(({ type }) => type)).toEqual(['assigned', 'finished']);
    expect(told.at(-1)).toMatchObject({ result: { status: 'cancelled', error: { message: 'not needed' } } });
  });

  test('lets no earlier attempt publish when it ends its job without running', async () => {
    const closed: string[] = [];
    const fence = { ...FENCE, close: async (_tenant: string, jobId: string) => void closed.push(jobId) };
    const given = delivery('system.echo');
    await handle(given, { fence, cancels: cancelsOf('not needed') });
    expect(closed).toEqual([]);
    await handle({ ...given, attempt: 2 }, { fence, cancels: cancelsOf('not needed') });
    expect(closed).toEqual([given.job.document.job_id]);
  });

  test('stops and ends its job when that is to be cancelled, and is not tried again', async () => {
    const cancels = new CancelCopy();
    const { told, events } = recorder(({ type }) => type === 'progress' && cancels.add([cancelOf('not needed')]));
    const given = delivery('test.spin', { execution: { max_attempts: 3 } });
    expect(await handle(given, { events, cancels })).toMatchObject({ kind: 'failed', retry: false });
    expect(told.at(-1)).toMatchObject({ type: 'finished', result: { status: 'cancelled' } });
  });

  test('ends its job though the wish to cancel it is forgotten meanwhile', async () => {
    const cancels = new CancelCopy();
    const { told, events } = recorder(({ type }) => {
      if (type !== 'progress') return;
      cancels.add([cancelOf('not needed')]);
      cancels.replace([]);
    });
    await handle(delivery('test.spin'), { events, cancels });
    expect(told.at(-1)).toMatchObject({ type: 'finished', result: { status: 'cancelled' } });
  });

  test('ends its job without running when that has waited too long', async () => {
    const { told, events } = recorder();
    const given = delivery('system.echo', { execution: { timeouts: { wait_seconds: 60 } } });
    const late = { ...given, job: { ...given.job, acceptedAtMs: Date.now() - 61_000 } };
    expect(await handle(late, { events })).toMatchObject({ kind: 'failed', retry: false });
    expect(told.at(-1)).toMatchObject({ result: { status: 'timeout', error: { code: 'WAIT_TIMEOUT' } } });
    expect(await handle({ ...late, attempt: 2 })).toMatchObject({ kind: 'completed' });
  });

  test('is ended when it gives no sign of life, and is followed by another', async () => {
    const { told, events } = recorder();
    const job = delivery('test.spin', { execution: { max_attempts: 2, timeouts: { heartbeat_seconds: 1 } } });
    const outcome = await handle(job, { events });
    expect(outcome).toMatchObject({ kind: 'failed', retry: true });
    counted(outcome);
    expect(told.at(-1)).toMatchObject({ type: 'released', error: { code: 'HEARTBEAT_LOST' } });
  });

  test('is ended when it makes no progress for as long as the worker is configured', async () => {
    const { told, events } = recorder();
    const limits = { attemptHeartbeatSeconds: 0, progressSeconds: 1 };
    await handle(delivery('test.spin'), { events, limits });
    expect(told.at(-1)).toMatchObject({ result: { status: 'timeout', error: { code: 'NO_PROGRESS' } } });
  });

  test('says in every event which delivery it belongs to', async () => {
    const { told, events } = recorder();
    await handle(delivery('system.echo'), { events });
    const first = new Set(told.map(({ token }) => token));
    await handle(delivery('system.echo'), { events });
    expect(first.size).toBe(1);
    expect(new Set(told.map(({ token }) => token)).size).toBe(2);
  });

  test('pays for no fence when it writes no output', async () => {
    const fence = { raise: () => expect.fail('raised'), holds: () => expect.fail('asked'), close: () => expect.fail() };
    expect(await handle(delivery('test.return'), { fence })).toMatchObject({ kind: 'completed' });
    expect(await handle(delivery('system.echo'), { fence })).toMatchObject({ kind: 'completed' });
  });

  test('tells nothing, not even that it has begun, when its job has ended or a newer attempt has', async () => {
    for (const [answer, outcome] of [
      ['closed', { kind: 'failed', retry: false }],
      ['overtaken', { kind: 'released' }],
    ] as const) {
      const { told, events } = recorder();
      const fence: Fence = { ...FENCE, raise: async () => answer };
      expect(await handle(delivery('test.return'), { events, fence, operations: WRITING })).toMatchObject(outcome);
      expect(told).toEqual([]);
    }
  });

  test('that may publish ends its job only while it holds the claim', async () => {
    for (const [answer, outcome] of [
      ['published', { kind: 'failed', retry: false, reason: expect.stringContaining('/nowhere') }],
      ['closed', { kind: 'failed', retry: false, reason: 'The job had ended before' }],
      ['overtaken', { kind: 'released' }],
    ] as const) {
      const claims: AttemptClaim[] = [];
      const publishEnd: EventStream['publishEnd'] = async (_events, claim) => {
        claims.push(claim);
        return answer;
      };
      const events = { ...recorder().events, publishEnd };
      const given = { ...delivery('test.return'), attempt: 4 };
      expect(await handle(given, { events, operations: WRITING })).toMatchObject(outcome);
      expect(claims).toMatchObject([{ tenant: QUEUE.tenant, jobId: jobDocument().job_id, attempt: 4 }]);
    }
  });

  test('is refused when too many workers vanished before it', async () => {
    const { told, events } = recorder();
    const job = delivery('system.echo', { execution: { max_attempts: 9 } });
    const outcome = await handle({ ...job, lostAttempts: 6 }, { events });
    expect(outcome).toMatchObject({ kind: 'failed', retry: false });
    expect(told.at(-1)).toMatchObject({
      type: 'finished',
      result: { error: { code: 'WORKER_LOST' } },
      dead_letter: { class: 'worker-lost', because: 'attempts' },
    });
  });

  test('survives as many vanished workers as allowed', async () => {
    expect(await handle({ ...delivery('system.echo'), lostAttempts: 5 })).toMatchObject({ kind: 'completed' });
  });

  test('leaves an operation it does not know to a worker of its pool that does', async () => {
    const other = advertisement(['other.verb']);
    const registry = { ...REGISTRY, list: async () => [other] };
    expect(await handle(delivery('other.verb'), { registry })).toMatchObject({ kind: 'postponed' });
    expect(await handle(delivery('absent.verb'), { registry })).toMatchObject({ kind: 'failed', retry: false });
  });

  test('is postponed for moments when its worker does not fit: another one may be idle', async () => {
    const { told, events } = recorder();
    const outcome = await handle(delivery('system.echo', { routing: { worker_id: 'another' } }), { events });
    expect(outcome).toMatchObject({ kind: 'postponed', reason: 'Worker id is "worker-a", required "another"' });
    expect(outcome.kind === 'postponed' && outcome.delayMs).toBeLessThanOrEqual(100);
    expect(told).toEqual([]);
  });

  test('is postponed when the registry does not answer', async () => {
    const registry = { ...REGISTRY, list: () => Promise.reject(new Error('gone')) };
    expect(await handle(delivery('absent.verb'), { registry })).toMatchObject({ kind: 'postponed' });
  });

  test('fails for good when its operation names what it cannot have', async () => {
    const { told, events } = recorder();
    await handle(delivery('test.corrupt', { execution: { max_attempts: 3 } }), { events });
    expect(told.at(-1)).toMatchObject({ type: 'finished', attempt: 1, result: { error: { code: 'IMAGE_CORRUPT' } } });
  });
});

describe('the data of a result', () => {
  const delivering = (bytes: number) =>
    delivery('system.echo', { payload: { type: 'system.echo.v1', data: 'x'.repeat(bytes) } });

  test('stand in it when they are small', async () => {
    const { told, events } = recorder();
    await handle(delivering(100), { events });
    expect(told.at(-1)).toMatchObject({ result: { data: { echo: 'x'.repeat(100) } } });
    expect(told.at(-1)).not.toHaveProperty('result.data_artifact');
  });

  test('go to the artifact store when they are large, apart from those of any other delivery', async () => {
    const { told, events } = recorder();
    const [first, second] = [delivering(100_000), delivering(100_000)];
    for (const each of [first, second]) await handle(each, { events });
    const references = told.flatMap((event) => (event.type === 'finished' ? [event.result.data_artifact] : []));
    expect(told.at(-1)).not.toHaveProperty('result.data');
    expect(references[0]).toMatchObject({ encoding: 'zstd', media_type: 'application/json' });
    expect(new Set(references.map((reference) => reference?.key)).size).toBe(2);
    for (const reference of references) {
      const pieces = await Array.fromAsync((reference && (await openArtifact(keeping.artifacts, reference))) ?? []);
      expect(JSON.parse(Buffer.concat(pieces).toString())).toMatchObject({ echo: 'x'.repeat(100_000) });
    }
  });

  test('are refused beyond the limit', async () => {
    const { told, events } = recorder();
    await handle(delivering(2 ** 20), { events });
    expect(told.at(-1)).toMatchObject({ result: { status: 'failed', error: { code: 'RESULT_TOO_LARGE' } } });
  });

  test('make the job try again when the store does not take them', async () => {
    const { told, events } = recorder();
    const broken = path.join(folder, 'broken');
    const artifacts = await openFileStore(broken);
    // a file is in the place of the folder
    writeFileSync(broken, '');
    const again = { ...delivering(100_000), job: retrying(delivering(100_000).job, 2) };
    const outcome = await handle(again, { events, keeping: { ...keeping, artifacts } });
    expect(outcome).toMatchObject({
      kind: 'failed',
      retry: true,
      reason: 'RESULT_NOT_STORED: Cannot store the result: ENOTDIR',
    });
    counted(outcome);
    expect(told.at(-1)).toMatchObject({ type: 'released', reason: 'retry' });
  });

  test('of a jail are refused beyond the limit of the operator', async () => {
    const small = await JailPool.start({
      ...{ runnersModule: MISBEHAVING_RUNNERS, memoryMb: 128, asNobody: true, slots: 1, killGraceMs: 200 },
      ...{ imageRoots: [], outputRoots: [], references: 'deny', maxDiskSizeGb: 0, maxResultBytes: 1000 },
      onBroken: () => undefined,
    });
    const { told, events } = recorder();
    const given = delivery('test.return', { payload: { type: 'test.return.v1', data: 'x'.repeat(1000) } });
    await handle(given, { events, jails: small });
    await small[Symbol.asyncDispose]();
    expect(told.at(-1)).toMatchObject({
      result: {
        error: { code: 'RESULT_TOO_LARGE', message: 'Cannot send a result of 1002 bytes: at most 1000 are allowed' },
      },
    });
  });
});

/** As the queue says once it has. */
function counted(outcome: Outcome): void {
  if (outcome.kind === 'failed' && outcome.retry) outcome.onCounted?.();
}

function retrying(job: QueuedJob, max_attempts: number): QueuedJob {
  return { ...job, document: { ...job.document, execution: { ...job.document.execution, max_attempts } } };
}

/** All write, to a place where none may. */
const WRITING: AttemptHost['operations'] = new Map(
  [...TEST_REPERTOIRE.operations].map(([name, operation]) => [
    name,
    { ...operation, output: () => ({ destination: '/nowhere/result.json', format: 'json' }) },
  ]),
);

const REGISTRY = { announce: async () => undefined, withdraw: async () => undefined, list: async () => [] };

const FENCE: Fence = { raise: async () => 'raised', holds: async () => true, close: async () => undefined };

function cancelOf(reason: string) {
  return { tenant: QUEUE.tenant, jobId: jobDocument().job_id, reason };
}

function cancelsOf(reason: string): CancelCopy {
  const cancels = new CancelCopy();
  cancels.add([cancelOf(reason)]);
  return cancels;
}

function handle(given: Delivery, host: Partial<AttemptHost> = {}, lost: AbortSignal = new AbortController().signal) {
  return createAttemptHandler({
    workerId: 'worker-a',
    advertise: () => advertisement([...TEST_REPERTOIRE.operations.keys()]),
    registry: REGISTRY,
    events: recorder().events,
    cancels: new CancelCopy(),
    fence: FENCE,
    limits: { attemptHeartbeatSeconds: 0, progressSeconds: 0 },
    jails,
    operations: TEST_REPERTOIRE.operations,
    inlineRunners: runners,
    maxLostAttempts: 5,
    retry: readRetrySettings([]),
    keeping,
    metrics: createWorkerMetrics({ heartbeatAgeSeconds: () => 0 }),
    logger: createLogger({ level: 'silent', app: 'worker', nodeId: 'test' }),
    leaving: new AbortController().signal,
    ...host,
  })(given, lost);
}

function delivery(operation: string, members: Readonly<Record<string, unknown>> = {}): Delivery {
  const document = jobDocument({ operation, ...members });
  return {
    job: { ...QUEUE, document, acceptedAtMs: Date.now() },
    attempt: 1,
    failedAttempts: 0,
    lostAttempts: 0,
    isHeld: () => true,
    reportProgress: async () => undefined,
  };
}

const NO_BACKLOG = { entries: 0, sinceMs: undefined };

/** A stream that keeps what it is told, and says so. */
function recorder(onEvent: (event: JobEvent) => void = () => undefined): { told: JobEvent[]; events: EventStream } {
  const told: JobEvent[] = [];
  const publish = async (events: readonly JobEvent[]) => {
    told.push(...events);
    events.forEach(onEvent);
  };
  const reads = { mark: async () => '', isRecorded: async () => true, backlog: async () => NO_BACKLOG };
  const publishEnd = async (events: readonly JobEvent[]) => {
    await publish(events);
    return 'published' as const;
  };
  const events = {
    ...reads,
    publish,
    publishEnd,
    consume: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { told, events };
}

function advertisement(operations: readonly string[]): WorkerAdvertisement {
  const now = new Date().toISOString();
  return {
    worker_id: 'worker-a',
    version: '0.1.0',
    hostname: 'host',
    registered_at: now,
    capabilities: { operations, features: [], disk_formats: [] },
    resources: { max_concurrent_jobs: 1, max_disk_size_gb: 0, available_disk_gb: 1, cpu_cores: 1, memory_gb: 1 },
    configuration: { privileged: false, worker_pool: 'default', data_locality: [], labels: {} },
    status: { state: 'ready', current_jobs: 0, last_heartbeat: now },
  };
}
