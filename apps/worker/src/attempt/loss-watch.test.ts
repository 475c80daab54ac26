import { describe, expect, test } from 'vitest';
import { LossWatch } from './loss-watch.ts';

const NEVER = new Promise<'done'>(() => {});

describe('LossWatch', () => {
  test('waits for the work', async () => {
    const { promise, resolve } = Promise.withResolvers<'done'>();
    const answer = new LossWatch().untilLost(promise, new AbortController().signal);
    resolve('done');
    expect(await answer).toBe('done');
  });

  test('gives up the work of those that are lost, whenever that is, and goes on with the others', async () => {
    const watch = new LossWatch();
    const [early, late] = [new AbortController(), new AbortController()];
    const { promise, resolve } = Promise.withResolvers<'done'>();
    const answers = [early, late].map(({ signal }) => watch.untilLost(NEVER, signal));
    const other = watch.untilLost(promise, new AbortController().signal);
    early.abort();
    expect(await answers[0]).toBe('lost');
    late.abort();
    expect(await answers[1]).toBe('lost');
    resolve('done');
    expect(await other).toBe('done');
  });

  test('tells of work that fails', async () => {
    const failing = Promise.reject(new Error('no room'));
    await expect(new LossWatch().untilLost(failing, new AbortController().signal)).rejects.toThrow('no room');
  });
});
