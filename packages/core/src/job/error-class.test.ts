import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERROR_CLASSES, type ErrorClass, isErrorClass, isRetried } from './error-class.ts';
import { ERROR_CODES } from './error-code.ts';

const classes = Object.keys(ERROR_CLASSES) as ErrorClass[];

test('docs/retries.md shows the table of error classes', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/retries.md'), 'utf8');
  const [, table = ''] = page.split('| class | retried | means |\n|---|---|---|\n');
  const expected = classes.map(
    (name) => `| \`${name}\` | ${ERROR_CLASSES[name].retry} | ${ERROR_CLASSES[name].meaning} |`,
  );
  expect(table.trimEnd().split('\n')).toEqual(expected);
});

test('every class has an error code, so that none is a word only', () => {
  const used = new Set<string>(Object.values(ERROR_CODES).map((meaning) => meaning.class));
  expect(classes.filter((name) => !used.has(name))).toEqual([]);
});

describe('isRetried', () => {
  test('goes by the table where nothing is asked for', () => {
    expect(classes.filter((name) => isRetried(name, undefined))).toEqual(
      classes.filter((name) => retryOf(name) === 'yes'),
    );
  });

  test('goes by what is asked for, but for classes that are never retried', () => {
    expect(classes.filter((name) => isRetried(name, classes))).toEqual(
      classes.filter((name) => retryOf(name) !== 'never'),
    );
    expect(classes.filter((name) => isRetried(name, ['denied', 'corrupt']))).toEqual(['denied']);
    expect(classes.filter((name) => isRetried(name, []))).toEqual([]);
  });

  test('is never so for corrupt and unsupported images', () => {
    for (const name of ['corrupt', 'unsupported'] as const) expect(isRetried(name, [name])).toBe(false);
  });
});

test('isErrorClass knows the names of the table only', () => {
  expect(isErrorClass('no-space')).toBe(true);
  expect(isErrorClass('toString')).toBe(false);
});

function retryOf(name: ErrorClass): string {
  return ERROR_CLASSES[name].retry;
}
