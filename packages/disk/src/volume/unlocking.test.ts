import { describe, expect, test } from 'vitest';
import { KeyWork } from './unlocking.ts';

const REFUSED = expect.objectContaining({ name: 'DiskError', kind: 'unsupported' });

describe('KeyWork', () => {
  test.each([
    ['PBKDF2 of twelve million iterations, and a key of two blocks', 24_000_000, 5],
    ['Argon2 over 1 GiB, in four passes', 4 * 2 ** 20, 32],
    ['a password of BitLocker', 2 ** 20, 100],
  ])('lets pass what writers ask for: %s', (_, units, times) => {
    const work = new KeyWork();
    for (let time = 0; time < times; time++) expect(() => work.spend(units, 'a key', 'luks')).not.toThrow();
  });

  test.each([2 ** 25 + 1, 2 ** 53, Number.NaN])('refuses %d units for one key, and spends nothing', (units) => {
    const work = new KeyWork();
    expect(() => work.spend(units, 'a key', 'luks')).toThrow(REFUSED);
    for (let time = 0; time < 4; time++) work.spend(2 ** 25, 'a key', 'luks');
    expect(() => work.spend(1, 'a key', 'luks')).toThrow(REFUSED);
  });
});
