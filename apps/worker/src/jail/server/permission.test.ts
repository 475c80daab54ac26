import { describe, expect, test } from 'vitest';
import { NotPermitted, permission } from './permission.ts';

describe('permission', () => {
  test('is had when the answer is yes', async () => {
    await expect(permission(async () => true)).resolves.toBeUndefined();
  });

  test('is not had when the answer is no', async () => {
    await expect(permission(async () => false)).rejects.toThrow(NotPermitted);
  });

  test('is asked for again when the answer came late, as to a process that was stopped', async () => {
    const answers = [true, false];
    const times = [0, 60_000, 60_000, 60_001];
    const clock = () => times.shift() ?? 0;
    await expect(permission(async () => answers.shift() ?? true, clock)).rejects.toThrow(NotPermitted);
    expect(answers).toEqual([]);
  });
});
