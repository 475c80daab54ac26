import type { Runner } from '../../../packages/operations/src/operation.ts';
import { runners as realRunners } from '../../../packages/operations/src/runners.ts';

// What the jails of a chaos run can do: the real operations, and some that misbehave. A jail may read no more of the tests than
// this one file.

export { rehearse } from '../../../packages/operations/src/runners.ts';

const MISBEHAVING: Readonly<Record<string, Runner>> = {
  /** Takes its time, and answers with a mark that no other attempt makes. */
  'chaos.stamp': (payload) => {
    const { holdMs, text } = payload as { readonly holdMs: number; readonly text: string };
    pause(holdMs);
    return { text, stamp: `${process.pid}-${process.hrtime.bigint()}` };
  },
  'chaos.crash': () => process.abort(),
  'chaos.spin': () => {
    for (;;);
  },
  /** Ends by KILL only. */
  'chaos.deaf': () => {
    process.on('SIGTERM', () => undefined);
    for (;;);
  },
};

export const runners: ReadonlyMap<string, Runner> = new Map([...realRunners, ...Object.entries(MISBEHAVING)]);

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
