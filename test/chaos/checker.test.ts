import type { ResultDocument } from '@guestkit/core/job/result';
import { describe, expect, test } from 'vitest';
import { check, type FindingKind } from './checker.ts';
import type { FinalEvent, FinalJob, FinalState } from './final-state.ts';
import type { Intent, PostedJob } from './intent.ts';
import type { Completion, Invocation, LogLine } from './op-log.ts';

const NOON = Date.UTC(2026, 4, 4, 12);
const LATER = new Date(NOON + 60_000).toISOString();

describe('check', () => {
  test('finds nothing wrong with a job that was accepted, ended once, and answers what was posted', () => {
    expect(kindsOf(run())).toEqual([]);
  });

  test('finds a job lost that was accepted and is not there', () => {
    expect(kindsOf(run({ jobs: [] }))).toEqual(['lost']);
  });

  test('lets a job be there or not whose acceptance nobody heard of', () => {
    const log = [intended(), ...done('submit', { type: 'unknown' })];
    expect(kindsOf(run({ log }))).toEqual([]);
    expect(kindsOf(run({ log, jobs: [] }))).toEqual([]);
  });

  test('finds a job stuck that has no end', () => {
    expect(kindsOf(run({ jobs: [job({ status: 'running', result: undefined, events: [] })] }))).toEqual(['stuck']);
  });

  test('finds one intent doubled by two ids told, and by two jobs', () => {
    const told = done('submit', { type: 'ok', job_id: 'job-2' }, 2);
    expect(kindsOf(run({ log: [...accepted(), ...told], jobs: [job(), job({ job_id: 'job-2' })] }))).toEqual([
      'doubled',
      'doubled',
      'altered',
    ]);
  });

  test('lets each post of a job without a name make one', () => {
    const { job_id, ...unnamed } = posted();
    const log = [
      intended({ job: unnamed }),
      ...done('submit', { type: 'unknown' }),
      ...done('submit', { type: 'ok', job_id: 'job-2' }, 2),
    ];
    const jobs = [job({ job_id: 'job-3' }), job({ job_id: 'job-2' })];
    expect(kindsOf(run({ log, jobs }))).toEqual([]);
    expect(kindsOf(run({ log: log.slice(0, 1).concat(log.slice(3)), jobs }))).toEqual(['doubled']);
  });

  test('finds jobs that nobody asked for, or that were refused, phantoms', () => {
    expect(kindsOf(run({ jobs: [job(), job({ job_id: 'job-9', name: 'stranger' })] }))).toEqual(['phantom']);
    expect(kindsOf(run({ log: [intended(), ...done('submit', { type: 'fail', message: 'ECONNREFUSED' })] }))).toEqual([
      'phantom',
    ]);
  });

  test.each([
    ['payload', { payload: { text: 'other' } }],
    ['operation', { operation: 'guestkit.inspect' }],
    ['idempotency key', { idempotency_key: 'other' }],
    ['number of attempts', { max_attempts: 7 }],
  ])('finds a job altered that has another %s', (_, change) => {
    expect(kindsOf(run({ jobs: [job(change)] }))).toEqual(['altered']);
  });

  test('finds a refusal without reason, and a conflict that was accepted', () => {
    const refused = done('submit', { type: 'fail', status: 400, code: 'BAD_REQUEST', message: 'no' }, 2);
    expect(kindsOf(run({ log: [...accepted(), ...refused] }))).toEqual(['refused without reason']);
    const conflict = done('conflict', { type: 'ok', job_id: 'job-1' }, 2);
    expect(kindsOf(run({ log: [...accepted(), ...conflict] }))).toEqual(['conflict accepted']);
  });

  test('finds an end to which the content does not lead', () => {
    const jobs = [job({ status: 'failed', result: result({ status: 'failed' }) })];
    expect(kindsOf(run({ jobs }))).toEqual(['wrong end']);
  });

  test('finds an end that others saw differently before, or that a node shows differently', () => {
    const seen = done('observe', { type: 'ok', job_id: 'job-1', state: 'failed' }, 2);
    expect(kindsOf(run({ log: [...accepted(), ...seen] }))).toEqual(['end moved']);
    const shown = [{ node: 'api-1', status: 'running', attempt: 1, error: null }];
    expect(kindsOf(run({ jobs: [job({ shown })] }))).toEqual(['contradiction']);
  });

  test('finds two ends of one job', () => {
    const events = [...eventsOf(1), event({ attempt: 2, type: 'finished', sequence: 2 ** 20 })];
    expect(kindsOf(run({ jobs: [job({ events })] }))).toEqual(['ended twice']);
  });

  test('finds two attempts under one number', () => {
    const events = [...eventsOf(1), event({ type: 'running', sequence: 7, worker_id: 'worker-2' })];
    expect(kindsOf(run({ jobs: [job({ events })] }))).toEqual(['attempt repeated']);
    const setBack: LogLine = { type: 'nemesis', at: NOON, action: 'redis set back', phase: 'end' };
    expect(kindsOf(run({ log: [setBack, ...accepted()], jobs: [job({ events })] }))).toEqual([]);
  });

  test('lets a number come again that Redis forgot before history was told of it, and no other', () => {
    const again = (afterMs: number) =>
      event({
        type: 'assigned',
        sequence: 7,
        worker_id: 'worker-2',
        timestamp: new Date(NOON + afterMs).toISOString(),
      });
    const flushed: LogLine = {
      ...{ type: 'nemesis', at: NOON + 1_000, action: 'redis flushed', phase: 'end' },
      facts: { losesEvents: true },
    };
    const kinds = (afterMs: number) =>
      kindsOf(run({ log: [flushed, ...accepted()], jobs: [job({ events: [...eventsOf(1), again(afterMs)] })] }));
    expect(kinds(2_000)).not.toContain('attempt repeated');
    expect(kinds(-5_000)).toContain('attempt repeated');
  });

  test('finds a job that runs again and again after its end', () => {
    const again = (times: number) =>
      Array.from({ length: times }, (_, index) =>
        event({ attempt: index + 2, type: 'assigned', sequence: (index + 1) * 2 ** 20, timestamp: LATER }),
      );
    const kinds = (times: number) => kindsOf(run({ jobs: [job({ events: [...eventsOf(1), ...again(times)] })] }));
    expect(kinds(2)).toEqual([]);
    expect(kinds(3)).toEqual(['run after its end']);
  });

  test('finds the end of an attempt accepted after another had begun', () => {
    const late = eventsOf(1).map((told) => (told.type === 'finished' ? { ...told, timestamp: LATER } : told));
    const second = event({ attempt: 2, type: 'assigned', sequence: 2 ** 20, worker_id: 'worker-2' });
    expect(kindsOf(run({ jobs: [job({ events: [...late, second] })] }))).toEqual(['overtaken attempt accepted']);
  });

  test('finds a job given up before all its attempts have failed, and one that had too many', () => {
    const crash = (outcomes: readonly string[]) => {
      const attempts = outcomes.map((outcome, index) => ({ ...ATTEMPT, attempt: index + 1, outcome }));
      const failed = result({ status: 'failed', error: crashed, data: undefined });
      const doomed = job({ status: 'failed', max_attempts: 3, attempts, result: failed });
      return kindsOf(run({ log: accepted({ kind: 'crash', job: posted({ max_attempts: 3 }) }), jobs: [doomed] }));
    };
    expect(crash(['retry', 'retry', 'failed'])).toEqual([]);
    expect(crash(['retry', 'lost', 'lost', 'failed'])).toEqual([]);
    expect(crash(['retry', 'failed'])).toEqual(['wrong count of attempts']);
    expect(crash(['retry', 'retry', 'retry', 'failed'])).toEqual(['wrong count of attempts']);
  });

  test('counts attempts that nobody heard of only where Redis may have lost them', () => {
    const started_at = new Date(NOON + 1_500).toISOString();
    const attempts = [{ ...ATTEMPT, attempt: 3, started_at, outcome: 'failed' }];
    const failed = result({ status: 'failed', error: crashed, data: undefined });
    const doomed = job({ status: 'failed', max_attempts: 3, attempts, result: failed });
    const log = accepted({ kind: 'crash', job: posted({ max_attempts: 3 }) });
    expect(kindsOf(run({ log, jobs: [doomed] }))).toContain('wrong count of attempts');
    const flush: LogLine = {
      ...{ type: 'nemesis', at: NOON + 1_000, action: 'redis flushed', phase: 'end' },
      facts: { losesEvents: true },
    };
    expect(kindsOf(run({ log: [...log, flush], jobs: [doomed] }))).not.toContain('wrong count of attempts');
  });

  test('finds a result that is missing, of another job or attempt, or no answer', () => {
    const resultsOf = (given: ResultDocument | undefined) => kindsOf(run({ jobs: [job({ result: given })] }));
    expect(resultsOf(undefined)).toContain('wrong result');
    expect(resultsOf(result({ job_id: 'job-2' }))).toEqual(['wrong result']);
    expect(resultsOf(result({ data: { echo: { text: 'of another' } } }))).toEqual(['wrong result']);
    const summary = { ...result().execution_summary, attempt: 2 };
    expect(resultsOf(result({ execution_summary: summary }))).toEqual(['wrong result']);
  });

  test('finds an output that is missing, cut, or of another attempt than the result', () => {
    const output = { format: 'json', destination: 'chaos-1.json' };
    const stamp = posted({}, { text: 'hello', output });
    const outputsOf = (outputs: FinalState['outputs']) => {
      const data = { text: 'hello', stamp: 'first' };
      const stamped = job({ payload: stamp.payload.data, result: result({ data }) });
      return kindsOf(run({ log: accepted({ kind: 'stamp', job: stamp }), jobs: [stamped], outputs }));
    };
    expect(outputsOf(new Map([['chaos-1.json', { text: 'hello', stamp: 'first' }]]))).toEqual([]);
    expect(outputsOf(new Map())).toEqual(['wrong output']);
    expect(outputsOf(new Map([['chaos-1.json', 'not a whole document']]))).toEqual(['wrong output']);
    expect(outputsOf(new Map([['chaos-1.json', { text: 'hello', stamp: 'second' }]]))).toEqual(['wrong output']);
  });

  test('finds a cancel that was not kept, and a cancelled job that nobody cancelled', () => {
    const cancel = done('cancel', { type: 'ok', job_id: 'job-1', state: 'cancelled' }, 2);
    expect(kindsOf(run({ log: [...accepted(), ...cancel] }))).toEqual(['cancel not kept']);
    const cancelled = job({ status: 'cancelled', result: result({ status: 'cancelled', error: crashed }) });
    expect(kindsOf(run({ jobs: [cancelled] }))).toEqual(['cancelled by nobody']);
    expect(kindsOf(run({ log: [...accepted(), ...cancel], jobs: [cancelled] }))).toEqual([]);
  });

  test('finds events missing, unless Redis may have lost them since', () => {
    const jobs = [job({ events: eventsOf(1).filter(({ type }) => type !== 'running') })];
    expect(kindsOf(run({ jobs }))).toEqual(['events missing']);
    const flushed: LogLine = {
      ...{ type: 'nemesis', at: NOON + 60_000, action: 'redis flushed', phase: 'end' },
      facts: { losesEvents: true },
    };
    expect(kindsOf(run({ log: [...accepted(), flushed], jobs }))).toEqual([]);
  });

  test('finds what is left behind', () => {
    expect(kindsOf(run({ leftovers: ['process 7, a jail without a worker'] }))).toEqual(['left behind']);
  });
});

interface Run {
  readonly log: readonly LogLine[];
  readonly jobs: readonly FinalJob[];
  readonly outputs: FinalState['outputs'];
  readonly leftovers: readonly string[];
}

function run(given: Partial<Run> = {}): Run {
  return { log: accepted(), jobs: [job()], outputs: new Map(), leftovers: [], ...given };
}

function kindsOf({ log, ...final }: Run): readonly FindingKind[] {
  return check(log, final).map(({ kind }) => kind);
}

function posted(execution: Partial<PostedJob['execution']> = {}, data: unknown = { text: 'hello' }): PostedJob {
  return {
    job_id: 'job-1',
    operation: 'system.echo',
    metadata: { name: 'chaos-1' },
    execution: { max_attempts: 1, ...execution } as PostedJob['execution'],
    payload: { data },
  };
}

function intended(given: Partial<Intent> = {}): LogLine {
  const usual: Intent = { n: 1, kind: 'echo', job: posted(), copies: 1, conflicts: false, observed: false };
  return { type: 'intent', at: NOON, intent: { ...usual, ...given } };
}

function accepted(given: Partial<Intent> = {}): readonly LogLine[] {
  return [intended(given), ...done('submit', { type: 'ok', status: 202, job_id: 'job-1' })];
}

function done(what: Invocation['what'], outcome: Omit<Completion, 'op' | 'at'>, op = 1): readonly LogLine[] {
  const named = what === 'submit' || what === 'conflict' ? {} : { job_id: 'job-1' };
  return [
    { type: 'invoke', op, at: NOON + op, what, intent: 1, node: 'api-1', ...named },
    { ...outcome, op, at: NOON + op + 5 },
  ];
}

const ATTEMPT = {
  ...{ attempt: 1, worker_id: 'worker-1', outcome: 'completed' },
  ...{ started_at: new Date(NOON + 10).toISOString(), ended_at: new Date(NOON + 20).toISOString() },
};

const crashed = {
  ...{ code: 'ATTEMPT_CRASHED', message: 'it ended', recoverable: true, retry_recommended: true },
};

function job(given: Partial<FinalJob> = {}): FinalJob {
  const status = given.status ?? 'completed';
  return {
    job_id: 'job-1',
    name: 'chaos-1',
    operation: 'system.echo',
    status,
    payload: { text: 'hello' },
    idempotency_key: null,
    max_attempts: 1,
    attempts: [ATTEMPT],
    events: eventsOf(1),
    shown: [{ node: 'api-1', status, attempt: 1, error: null }],
    result: result({ job_id: given.job_id ?? 'job-1' }),
    ...given,
  };
}

function eventsOf(attempt: number): readonly FinalEvent[] {
  return ['assigned', 'running', 'finished'].map((type, sequence) => event({ attempt, type, sequence }));
}

function event(given: Partial<FinalEvent>): FinalEvent {
  const usual = { attempt: 1, sequence: 0, type: 'progress', worker_id: 'worker-1' };
  return { ...usual, timestamp: new Date(NOON + 20).toISOString(), ...given };
}

function result(given: Partial<ResultDocument> = {}): ResultDocument {
  return {
    ...{ job_id: 'job-1', worker_id: 'worker-1', status: 'completed' },
    execution_summary: { started_at: ATTEMPT.started_at, duration_seconds: 0, duration_ms: 10, attempt: 1 },
    data: { echo: { text: 'hello' }, message: 'Echo completed' },
    ...given,
  };
}
