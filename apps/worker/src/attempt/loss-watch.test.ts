import { describe, expect, test } from 'vitest';
import { LossWatch } from './loss-watch.ts';

const NEVER = new Promise<void>(() => {});

describe('LossWatch', () => {
  test('waits for the work', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const isDone = new LossWatch().untilLost(promise, new AbortController().signal);
    resolve();
    expect(await isDone).toBe(true);
  });

  test('gives up the work of those that are lost, whenever that is, and goes on with the others', async () => {
    const watch = new LossWatch();
    const [early, late] = [new AbortController(), new AbortController()];
    const { promise, resolve } = Promise.withResolvers<void>();
    const answers = [early, late].map(({ signal }) => watch.untilLost(NEVER, signal));
    const other = watch.untilLost(promise, new AbortController().signal);
    early.abort();
    expect(await answers[0]).toBe(false);
    late.abort();
    expect(await answers[1]).toBe(false);
    resolve();
    expect(await other).toBe(true);
  });

  test('tells of work that fails', async () => {
    const failing = Promise.reject(new Error('no room'));
    await expect(new LossWatch().untilLost(failing, new AbortController().signal)).rejects.toThrow('no room');
  });
});
