import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { classOf, ERROR_CODES, type ErrorCode, finalStateOf, jobError } from './error-code.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

test('docs/errors.md shows the table of error codes', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+`/.test(line));
  const expected = codes.map((code) => {
    const { phase, class: errorClass, ends, meaning } = ERROR_CODES[code];
    const retry = jobError(code, '').retry_recommended ? 'yes' : 'no';
    return `| \`${code}\` | ${phase} | \`${errorClass}\` | ${retry} | ${ends} | ${meaning} |`;
  });
  expect(rows).toEqual(expected);
});

describe('jobError', () => {
  test('takes phase and advice from the table', () => {
    expect(jobError('TIMEOUT', 'Ran past 5 s')).toEqual({
      code: 'TIMEOUT',
      message: 'Ran past 5 s',
      phase: 'execution',
      recoverable: true,
      retry_recommended: true,
    });
    expect(jobError('VALIDATION_ERROR', 'No such operation')).toMatchObject({
      phase: 'validation',
      recoverable: false,
    });
  });

  test('carries details', () => {
    expect(jobError('IMAGE_CORRUPT', 'Bad', { format: 'qcow2', offset: 8 }).details).toEqual({
      format: 'qcow2',
      offset: 8,
    });
  });
});

describe('classOf', () => {
  test('is what the table says, and unknown for a code of somebody else', () => {
    for (const code of codes) expect(classOf(jobError(code, ''))).toBe(ERROR_CODES[code].class);
    expect(classOf({ code: 'toString' })).toBe('unknown');
  });
});

describe('finalStateOf', () => {
  test('is what the table says', () => {
    for (const code of codes) expect(finalStateOf(jobError(code, ''))).toBe(ERROR_CODES[code].ends);
  });

  test('is failed for a code of somebody else', () => {
    const foreign = { ...jobError('TIMEOUT', ''), code: 'toString' };
    expect(finalStateOf(foreign)).toBe('failed');
  });
});
