import { expect, test } from 'vitest';
import type { Progress } from '../operation.ts';
import { runEcho } from './run.ts';

test('runEcho gives back its payload and reports 0, 50 and 100 percent', () => {
  const steps: Progress[] = [];
  const result = runEcho({ ping: [1, null] }, { images: [], progress: (step) => steps.push(step) });
  expect(result).toMatchObject({ echo: { ping: [1, null] }, message: expect.any(String) });
  expect(steps.map(({ phase, percent }) => [phase, percent])).toEqual([
    ['starting', 0],
    ['processing', 50],
    ['completing', 100],
  ]);
});
