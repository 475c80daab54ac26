import { describe, expect, test } from 'vitest';
import { GroupCommit } from './group-commit.ts';

describe('GroupCommit', () => {
  test('commits what comes together at once, and gives each caller its own answer', async () => {
    const { groups, commit } = recorder();
    const answers = await Promise.all([1, 2, 3].map((item) => commit.add(item)));
    expect(answers).toEqual([10, 20, 30]);
    expect(groups).toEqual([[1, 2, 3]]);
  });

  test('gathers what comes during a commit for the next one', async () => {
    const gate = Promise.withResolvers<void>();
    const { groups, commit } = recorder({ before: () => gate.promise });
    const first = commit.add(1);
    while (groups.length === 0) await new Promise(setImmediate);
    const others = [2, 3].map((item) => commit.add(item));
    gate.resolve();
    await Promise.all([first, ...others]);
    expect(groups).toEqual([[1], [2, 3]]);
  });

  test('never commits more at once than allowed, and keeps the order', async () => {
    const { groups, commit } = recorder({ maxItems: 2 });
    await Promise.all([1, 2, 3, 4, 5].map((item) => commit.add(item)));
    expect(groups).toEqual([[1, 2], [3, 4], [5]]);
  });

  test('begins another commit beside the first when a whole group waits, and not for less', async () => {
    const gate = Promise.withResolvers<void>();
    const { groups, commit } = recorder({ maxItems: 2, writers: 2, before: () => gate.promise });
    const items = [1, 2, 3].map((item) => commit.add(item));
    while (groups.length === 0) await new Promise(setImmediate);
    expect(groups).toEqual([[1, 2]]);
    items.push(commit.add(4));
    while (groups.length === 1) await new Promise(setImmediate);
    expect(groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
    items.push(commit.add(5));
    gate.resolve();
    expect(await Promise.all(items)).toEqual([10, 20, 30, 40, 50]);
    await commit.settled();
  });

  test('fails the callers of a commit that fails, and no others', async () => {
    const { commit } = recorder({
      maxItems: 2,
      before: async (items) => {
        if (items.includes(2)) throw new Error('disk full');
      },
    });
    const answers = await Promise.allSettled([1, 2, 3].map((item) => commit.add(item)));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  test('tries each alone when the failure may be owed to one, and fails that one', async () => {
    const { groups, commit } = recorder({
      isOwedToOne: (error) => error instanceof TypeError,
      before: async (items) => {
        if (items.includes(2)) throw new TypeError('too large');
      },
    });
    const answers = await Promise.allSettled([1, 2, 3].map((item) => commit.add(item)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(groups).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  test('settles when nothing waits any more', async () => {
    const { groups, commit } = recorder({ maxItems: 1 });
    for (const item of [1, 2, 3]) commit.add(item);
    await commit.settled();
    expect(groups).toHaveLength(3);
    await commit.settled();
  });
});

function recorder({
  maxItems = 100,
  writers = 1,
  isOwedToOne = (_error: unknown): boolean => false,
  before = async (_items: readonly number[]): Promise<void> => {},
} = {}) {
  const groups: (readonly number[])[] = [];
  const commit = new GroupCommit<number, number>({
    maxItems,
    writers,
    isOwedToOne,
    commit: async (items) => {
      groups.push(items);
      await before(items);
      return items.map((item) => item * 10);
    },
  });
  return { groups, commit };
}
