import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from './printable.ts';

describe('printable', () => {
  test.each([
    ['colour', '\u001b[31mred', '\\x1b[31mred'],
    ['C1 control', 'a\u009b2Jb', 'a\\x9b2Jb'],
    ['line feed', 'two\nlines', 'two\\x0alines'],
    ['direction override', 'evil\u202egpj.exe', 'evil\\u{202e}gpj.exe'],
    ['line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['byte that is not UTF-8', 'caf\udce9', 'caf\\xe9'],
  ])('escapes a %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test('leaves words in any script as they are', () => {
    expect(printable('naïve 東京 🙂 e\u0301')).toBe('naïve 東京 🙂 e\u0301');
  });

  test('leaves no control character in anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
      }),
    );
  });
});
