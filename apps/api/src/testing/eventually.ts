import { setTimeout as delay } from 'node:timers/promises';

/** Asks again until the answer is not `undefined` or `false`; the time limit of the test is the bound. */
export async function eventually<Value>(ask: () => Promise<Value | undefined | false>): Promise<Value> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await delay(20);
  }
}
