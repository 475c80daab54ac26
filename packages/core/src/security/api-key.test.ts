import { describe, expect, test } from 'vitest';
import { fingerprintOf, isSameKey } from './api-key.ts';

test('isSameKey accepts the key and nothing else', () => {
  expect(isSameKey('correct horse', 'correct horse')).toBe(true);
  for (const wrong of ['', 'correct', 'correct horse ', 'Correct horse'])
    expect(isSameKey(wrong, 'correct horse')).toBe(false);
});

describe('fingerprintOf', () => {
  test('tells keys apart, and nothing of them', () => {
    expect(fingerprintOf('sesame')).toMatch(/^[0-9a-f]{12}$/);
    expect(fingerprintOf('sesame')).toBe(fingerprintOf('sesame'));
    expect(fingerprintOf('sesame')).not.toBe(fingerprintOf('sesami'));
  });
});
