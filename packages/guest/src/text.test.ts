import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanFacts, cleanText } from './text.ts';

describe('cleanText', () => {
  test.each([
    ['plain', 'Debian GNU/Linux 12', 'Debian GNU/Linux 12'],
    ['letters of other scripts', 'Zürich 東京 café', 'Zürich 東京 café'],
    ['a terminal escape', '\u001b[31mroot\u0007', '\\x1b[31mroot\\x07'],
    ['a line feed', 'a\nb', 'a\\x0ab'],
    ['a C1 control', 'a\u009bb', 'a\\x9bb'],
    ['an override of the reading direction', 'a\u202eb', 'a\\u{202e}b'],
    ['a byte of a file name that is not UTF-8', 'caf\udce9', 'caf\\xe9'],
    ['any other lone surrogate', 'x\ud800', 'x\\u{d800}'],
  ])('handles %s', (_, hostile, clean) => {
    expect(cleanText(hostile)).toBe(clean);
  });

  test('keeps at most 1024 characters', () => {
    expect(cleanText('a'.repeat(100_000))).toHaveLength(1024);
  });

  test('leaves nothing that a terminal would act on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(text)).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});

describe('cleanFacts', () => {
  test('cleans texts at every depth, keys too, and keeps what is no text', () => {
    expect(cleanFacts({ list: [{ 'na\u0000me': '\u0001', count: 3, none: null, yes: true }] })).toEqual({
      list: [{ 'na\\x00me': '\\x01', count: 3, none: null, yes: true }],
    });
  });

  test('takes a key of the guest named __proto__ for a plain key', () => {
    const facts = cleanFacts(JSON.parse('{"__proto__":{"polluted":true}}') as object);
    expect(Object.getPrototypeOf(facts)).toBe(Object.prototype);
    expect('polluted' in facts).toBe(false);
  });
});
