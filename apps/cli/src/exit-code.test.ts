import { readFileSync } from 'node:fs';
import { DiskError } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { CommandError, EXIT_CODES, exitCodeOf } from './exit-code.ts';

describe('exit codes', () => {
  test('are those of the documentation', () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)].map(([, code, name]) => [name, Number(code)]);
    expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
  });

  test('are all different', () => {
    const codes = Object.values(EXIT_CODES);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test.each([
    [new CommandError('job-timeout', 'x'), 11],
    [new DiskError('corrupt', 'x'), 4],
    [new DiskError('denied', 'x'), 7],
    [new DiskError('mismatch', 'x'), 9],
    [new TypeError('x'), 1],
    ['x', 1],
  ])('follow from what was thrown: %s', (thrown, code) => {
    expect(exitCodeOf(thrown)).toBe(code);
  });
});
