import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobDocumentSchema } from './document.ts';
import { jobError } from './error-code.ts';
import { percentOf, sequenceOf } from './event.ts';
import { completedResult, type EndedAttempt, failedResult } from './result.ts';

const ended: EndedAttempt = {
  document: jobDocumentSchema.parse({
    version: '1.0',
    job_id: 'job-test-0001',
    created_at: '2026-05-04T08:00:00Z',
    kind: 'VMOperation',
    operation: 'system.echo',
    execution: { idempotency_key: 'k' },
    payload: { type: 'system.echo.v1', data: 1 },
    observability: { trace_id: 't' },
  }),
  workerId: 'w1',
  attempt: 2,
  startedAtMs: 1000,
  endedAtMs: 3900,
};

describe('completedResult', () => {
  test('is the result document of a success', () => {
    expect(completedResult(ended, { data: { ok: true }, outputs: { primary: '/results/a.json' } })).toEqual({
      job_id: 'job-test-0001',
      worker_id: 'w1',
      status: 'completed',
      completed_at: '1970-01-01T00:00:03.900Z',
      execution_summary: {
        started_at: '1970-01-01T00:00:01.000Z',
        duration_seconds: 2,
        duration_ms: 2900,
        attempt: 2,
        idempotency_key: 'k',
      },
      outputs: { primary: '/results/a.json' },
      observability: { trace_id: 't' },
      data: { ok: true },
    });
  });

  test('leaves out data that is null', () => {
    expect(completedResult(ended, { data: null })).not.toHaveProperty('data');
  });
});

describe('failedResult', () => {
  test.each([
    ['EXECUTION_ERROR', 'failed'],
    ['TIMEOUT', 'timeout'],
    ['DEADLINE_EXCEEDED', 'timeout'],
    ['CANCELLED', 'cancelled'],
  ] as const)('for %s has the status %s', (code, status) => {
    const error = jobError(code, 'why');
    const result = failedResult({ ...ended, metrics: { disk_read_bytes: 5 } }, error);
    expect(result).toMatchObject({
      status,
      failed_at: '1970-01-01T00:00:03.900Z',
      error,
      metrics: { disk_read_bytes: 5 },
    });
    expect(result).not.toHaveProperty('completed_at');
    expect(result.execution_summary).not.toHaveProperty('idempotency_key');
  });

  test('never lasts less than nothing when the clock steps back', () => {
    const result = failedResult({ ...ended, endedAtMs: 0 }, jobError('TIMEOUT', ''));
    expect(result.execution_summary).toMatchObject({ duration_seconds: 0, duration_ms: 0 });
  });
});

describe('percentOf', () => {
  test('is a whole number within 0 and 100, and 100 only when all is done', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (done, total) => {
        const percent = percentOf(done, total);
        expect(percent).toSatisfy((value) => Number.isInteger(value) && value >= 0 && value <= 100);
        if (done < total / 2) expect(percent).toBeLessThan(100);
      }),
    );
  });

  test('is undefined where there is nothing to measure against', () => {
    for (const total of [0, -1, Number.NaN]) expect(percentOf(1, total)).toBeUndefined();
    expect(percentOf(Number.NaN, 1)).toBeUndefined();
  });
});

test('sequences of a later attempt come after all of an earlier one', () => {
  expect(sequenceOf(1, 0)).toBe(0);
  expect(sequenceOf(2, 0)).toBeGreaterThan(sequenceOf(1, 2 ** 20 - 1));
});
