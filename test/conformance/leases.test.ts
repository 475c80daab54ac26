import { describe, expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { historyImplementations } from '../support/histories.ts';

const LONG_MS = 60_000;

describe.for(await historyImplementations())('leases in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async () => (await create())();

  test('are had by one holder at a time', async () => {
    await using history = await openNew();
    expect(await history.acquireLease('leader', 'a', LONG_MS)).toEqual({ name: 'leader', holder: 'a', token: 1 });
    expect(await history.acquireLease('leader', 'b', LONG_MS)).toBeUndefined();
    expect(await history.acquireLease('leader', 'a', LONG_MS)).toBeUndefined();
    expect(await history.findLease('leader')).toMatchObject({ holder: 'a', token: 1, expired: false });
  });

  test('do not hinder leases of another name', async () => {
    await using history = await openNew();
    await history.acquireLease('leader', 'a', LONG_MS);
    expect(await history.acquireLease('archive', 'b', LONG_MS)).toMatchObject({ holder: 'b', token: 1 });
    expect(await history.findLease('unknown')).toBeUndefined();
  });

  test('are had by exactly one of many that want them at once', async () => {
    const open = await create();
    await using stack = new AsyncDisposableStack();
    const histories = await Promise.all(Array.from({ length: 3 }, async () => stack.use(await open())));
    const taken = await Promise.all(
      Array.from({ length: 12 }, (_, n) => histories[n % 3]?.acquireLease('leader', `holder-${n}`, LONG_MS)),
    );
    expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  test('pass to another with a higher token once they have run out', async () => {
    await using history = await openNew();
    const lease = await history.acquireLease('leader', 'a', 1);
    await until('the lease has run out', async () => (await history.findLease('leader'))?.expired === true);
    expect(await history.acquireLease('leader', 'b', LONG_MS)).toMatchObject({ holder: 'b', token: 2 });
    expect(await history.renewLease(lease ?? expect.fail(), LONG_MS)).toBe(false);
    await history.releaseLease(lease ?? expect.fail());
    expect(await history.findLease('leader')).toMatchObject({ holder: 'b', token: 2, expired: false });
  });

  test('last longer when they are renewed, also when that is late but nobody took them', async () => {
    await using history = await openNew();
    const lease = (await history.acquireLease('leader', 'a', 1)) ?? expect.fail();
    await until('the lease has run out', async () => (await history.findLease('leader'))?.expired === true);
    expect(await history.renewLease(lease, LONG_MS)).toBe(true);
    expect(await history.acquireLease('leader', 'b', LONG_MS)).toBeUndefined();
  });

  test('are free at once when they are given back, and cannot be renewed after that', async () => {
    await using history = await openNew();
    const lease = (await history.acquireLease('leader', 'a', LONG_MS)) ?? expect.fail();
    await history.releaseLease(lease);
    const next = await history.acquireLease('leader', 'a', LONG_MS);
    expect(next).toMatchObject({ token: 2 });
    expect(await history.renewLease(lease, LONG_MS)).toBe(false);
  });
});
