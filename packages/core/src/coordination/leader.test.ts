import { describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import type { Duty } from './duty.ts';
import { startLeader } from './leader.ts';
import type { Lease, Leases } from './leases.ts';

describe('startLeader', () => {
  test('does every duty again and again', async () => {
    const runs: string[] = [];
    await using _leader = lead(memoryLeases(), { duties: [counting('sweep', runs), counting('count', runs)] });
    const runsOf = (name: string) => runs.filter((run) => run === name).length;
    await until('both were done thrice', () => runsOf('sweep') > 2 && runsOf('count') > 2);
  });

  test('goes on with a duty that failed, and tells which one', async () => {
    const errors: Error[] = [];
    let runs = 0;
    const duty = {
      ...{ name: 'sweep', everyMs: 1 },
      async run() {
        runs += 1;
        throw new Error('no broom');
      },
    };
    await using _leader = lead(memoryLeases(), { duties: [duty], onError: (error) => errors.push(error) });
    await until('it was tried again', () => runs > 2);
    expect(errors[0]?.message).toBe('Cannot do the duty "sweep": no broom');
  });

  test('lets one of two lead, and the other follow at once when the first is disposed of', async () => {
    const leases = memoryLeases();
    const ledBy: string[] = [];
    const note = (holder: string) => ({ holder, onLeading: (leads: boolean) => ledBy.push(`${holder} ${leads}`) });
    const first = lead(leases, note('a'));
    await until('the first leads', () => first.isLeading);
    await using second = lead(leases, note('b'));
    await until('the second was refused', () => leases.refusals > 0);
    expect(second.isLeading).toBe(false);
    await first[Symbol.asyncDispose]();
    await until('the second leads', () => second.isLeading);
    expect(ledBy).toEqual(['a true', 'a false', 'b true']);
  });

  test('stops its duties when the lease is lost to another', async () => {
    const leases = memoryLeases();
    let stopped: AbortSignal | undefined;
    const duty = {
      ...{ name: 'sweep', everyMs: 1 },
      run: (signal: AbortSignal) => {
        stopped = signal;
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
    };
    await using leader = lead(leases, { duties: [duty] });
    await until('the duty runs', () => stopped !== undefined);
    leases.giveTo('usurper');
    await until('the duty was told to stop', () => stopped?.aborted === true);
    expect(leader.isLeading).toBe(false);
  });

  test('ceases to lead when renewing fails for as long as the lease lasts, and leads again after that', async () => {
    const leases = memoryLeases();
    await using leader = lead(leases, { timeToLiveMs: 50, onError: () => {} });
    await until('it leads', () => leader.isLeading);
    leases.isBroken = true;
    await until('it has ceased to', () => !leader.isLeading);
    leases.isBroken = false;
    await until('it leads again', () => leader.isLeading);
  });

  test('ceases to lead when renewing gives no answer for as long as the lease lasts', async () => {
    const told: boolean[] = [];
    const leases = { ...memoryLeases(), renewLease: () => new Promise<boolean>(() => {}) };
    await using _leader = lead(leases, { timeToLiveMs: 50, onLeading: (isLeading) => told.push(isLeading) });
    await until('it has ceased to', () => told.includes(false));
  });
});

function lead(leases: Leases, given: Partial<Parameters<typeof startLeader>[0]>) {
  const onError = (error: Error) => expect.fail(error.message);
  return startLeader({ leases, holder: 'a', duties: [], timeToLiveMs: 60_000, everyMs: 5, onError, ...given });
}

function counting(name: string, runs: string[]): Duty {
  return { name, everyMs: 1, run: async () => void runs.push(name) };
}

/** One lease, in memory. */
function memoryLeases() {
  let held: (Lease & { readonly untilMs: number }) | undefined;
  let tokens = 0;
  const take = (name: string, holder: string, timeToLiveMs: number) => {
    tokens += 1;
    held = { name, holder, token: tokens, untilMs: performance.now() + timeToLiveMs };
    return held;
  };
  const leases = {
    refusals: 0,
    isBroken: false,
    giveTo: (holder: string) => void take('leader', holder, 60_000),
    async acquireLease(name: string, holder: string, timeToLiveMs: number) {
      if (leases.isBroken) throw new Error('the database is gone');
      if (held && held.untilMs > performance.now()) {
        leases.refusals += 1;
        return undefined;
      }
      return take(name, holder, timeToLiveMs);
    },
    async renewLease({ token }: Lease, timeToLiveMs: number) {
      if (leases.isBroken) throw new Error('the database is gone');
      if (held?.token !== token) return false;
      held = { ...held, untilMs: performance.now() + timeToLiveMs };
      return true;
    },
    async releaseLease({ token }: Lease) {
      if (held?.token === token) held = undefined;
    },
    findLease: async () => held && { ...held, expires_at: '', expired: held.untilMs <= performance.now() },
  };
  return leases;
}
