import { expect, test } from 'vitest';
import { operations } from './catalogue.ts';
import { runners } from './runners.ts';

test('every operation has a runner, and every runner an operation', () => {
  expect([...runners.keys()].sort()).toEqual([...operations.keys()].sort());
});

test('operation names are namespaced', () => {
  for (const name of operations.keys()) expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
});
