import { describe, expect, test } from 'vitest';
import { jobDocumentSchema } from '../job/document.ts';
import { createLogger, jobLogger, type Logger } from './logger.ts';
import { plainText } from './plain-text.ts';

function capture(level = 'info'): {
  readonly logger: Logger;
  readonly lines: Record<string, unknown>[];
  readonly raw: string[];
} {
  const lines: Record<string, unknown>[] = [];
  const raw: string[] = [];
  const write = (line: string) => {
    raw.push(line);
    lines.push(JSON.parse(line));
  };
  return { logger: createLogger({ level, app: 'worker', nodeId: 'w1', destination: { write } }), lines, raw };
}

const document = jobDocumentSchema.parse({
  version: '1.0',
  job_id: 'job-test-0001',
  created_at: '2026-05-04T08:00:00Z',
  kind: 'VMOperation',
  operation: 'system.echo',
  payload: { type: 'system.echo.v1', data: 1 },
  observability: { correlation_id: 'c', trace_id: 't' },
});

describe('createLogger', () => {
  test('writes one JSON line with level, time, app and node', () => {
    const { logger, lines, raw } = capture();
    logger.warn({ pool: 'lab' }, 'queue is long');
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        app: 'worker',
        node_id: 'w1',
        pool: 'lab',
        msg: 'queue is long',
      },
    ]);
    expect(raw[0]).toMatch(/^[^\n]*\n$/);
  });

  test('keeps quiet below its level', () => {
    const { logger, lines } = capture('error');
    logger.info('never mind');
    expect(lines).toEqual([]);
  });

  test('masks secrets wherever requests and configurations carry them', () => {
    const { logger, raw } = capture();
    logger.info({
      apiKey: 'hunter2',
      config: { password: 'hunter2' },
      req: { headers: { authorization: 'hunter2', 'x-api-key': 'hunter2' } },
    });
    expect(raw[0]).not.toContain('hunter2');
    expect(raw[0]?.match(/\*{8}/g)).toHaveLength(4);
  });

  test('masks secrets of errors and of children, and leaves the logged object as it was', () => {
    const { logger, raw } = capture();
    const request = { headers: { cookie: 'hunter2' }, method: 'GET' };
    logger.warn({ err: Object.assign(new Error('refused'), { config: { password: 'hunter2' } }), request }, 'no');
    logger.child({ session: { token: 'hunter2' } }).info('hello');
    expect(raw.join('')).not.toContain('hunter2');
    expect(raw.join('').match(/\*{8}/g)).toHaveLength(3);
    expect(request.headers.cookie).toBe('hunter2');
  });

  test('lets no text of a guest act on a terminal', () => {
    const { logger, lines, raw } = capture();
    logger.info({ hostname: 'web\u202e\u009b31m\u001b[31m' }, 'guest says \u2066hi');
    expect(raw[0]?.trimEnd()).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    expect(lines[0]).toMatchObject({ msg: 'guest says \ufffdhi' });
  });

  test('writes errors with their causes', () => {
    const { logger, lines } = capture();
    logger.error(new Error('outer', { cause: new Error('inner') }));
    expect(lines[0]).toMatchObject({ err: { message: expect.stringContaining('inner') } });
  });
});

describe('jobLogger', () => {
  test('names job, attempt, correlation and trace on every line', () => {
    const { logger, lines } = capture();
    const child = jobLogger(logger, document, 2);
    child.info('claimed');
    child.child({ phase: 'open' }).info('opened');
    for (const line of lines) {
      expect(line).toMatchObject({
        job_id: 'job-test-0001',
        attempt: 2,
        operation: 'system.echo',
        correlation_id: 'c',
        trace_id: 't',
      });
    }
    expect(lines).toHaveLength(2);
  });

  test('writes null for traces that the client did not give', () => {
    const { logger, lines } = capture();
    jobLogger(logger, { ...document, observability: undefined }, 1).info('x');
    expect(lines[0]).toMatchObject({ correlation_id: null, trace_id: null });
  });
});

describe('plainText', () => {
  test('replaces control characters and those that turn text around', () => {
    expect(plainText('a\nb\u001b[2Jc\u0085d\u202ee\u2028f\ufeffg')).toBe(
      'a\ufffdb\ufffd[2Jc\ufffdd\ufffde\ufffdf\ufffdg',
    );
  });

  test('keeps letters of any script', () => {
    expect(plainText('größe Ω 漢字 😀')).toBe('größe Ω 漢字 😀');
  });

  test('cuts long text without halving a character', () => {
    expect(plainText('x'.repeat(2000))).toHaveLength(1001);
    expect(plainText('ab😀', 3).isWellFormed()).toBe(true);
  });
});
