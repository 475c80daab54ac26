import { describe, expect, test } from 'vitest';
import { fingerprintOf, keyTest } from './api-key.ts';

test('keyTest accepts the key and nothing else', () => {
  const isKey = keyTest('correct horse');
  expect(isKey('correct horse')).toBe(true);
  for (const wrong of ['', 'correct', 'correct horse ', 'Correct horse']) expect(isKey(wrong)).toBe(false);
});

describe('fingerprintOf', () => {
  test('tells keys apart, and nothing of them', () => {
    expect(fingerprintOf('sesame')).toMatch(/^[0-9a-f]{12}$/);
    expect(fingerprintOf('sesame')).toBe(fingerprintOf('sesame'));
    expect(fingerprintOf('sesame')).not.toBe(fingerprintOf('sesami'));
  });
});
