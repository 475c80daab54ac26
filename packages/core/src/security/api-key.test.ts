import { expect, test } from 'vitest';
import { isSameKey } from './api-key.ts';

test('isSameKey accepts the key and nothing else', () => {
  expect(isSameKey('correct horse', 'correct horse')).toBe(true);
  for (const wrong of ['', 'correct', 'correct horse ', 'Correct horse'])
    expect(isSameKey(wrong, 'correct horse')).toBe(false);
});
