import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NotAnInteger, parseStrictJson } from './strict-json.ts';

const free = { freeBelow: [] };

describe('parseStrictJson', () => {
  test('agrees with JSON.parse on any JSON, however it is laid out', () => {
    const indents = fc.constantFrom('', ' ', '\t', '\n \r');
    fc.assert(
      fc.property(fc.json({ depthSize: 'large', stringUnit: 'binary' }), indents, (json, indent) => {
        const text = `${indent}${JSON.stringify(JSON.parse(json), null, indent.replace(/\r/, ''))}${indent}`;
        expect(parseStrictJson(text, free)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('refuses what JSON.parse refuses', () => {
    const scraps = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', 'u00', '0', '1', '-', '.', 'e', 'null', 'tru', ' '),
    );
    fc.assert(
      fc.property(scraps, (parts) => {
        const text = parts.join('');
        expect(outcome(() => parseStrictJson(text, free))).toEqual(outcome(() => JSON.parse(text)));
      }),
      { numRuns: 2000 },
    );
  });

  test('reads every escape', () => {
    const text = String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`;
    expect(parseStrictJson(text)).toBe(JSON.parse(text));
  });

  test('reads UTF-8 bytes', () => {
    expect(parseStrictJson(Buffer.from('["é😀"]'))).toEqual(['é😀']);
  });

  test('keeps a key named __proto__ a plain member', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect((value as Record<string, unknown>).admin).toBeUndefined();
  });

  test.each([
    ['a byte order mark', '\ufeff{}', 'expected a value at line 1, column 1'],
    ['a byte order mark in bytes', Buffer.from('\ufeff{}'), 'expected a value at line 1, column 1'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'the text is not UTF-8'],
    ['trailing text', '{} x', 'trailing text after the value at line 1, column 4'],
    ['a trailing comma', '[1,]', 'expected a value at line 1, column 4'],
    ['a key without quotes', '{a:1}', 'expected a key in quotes at line 1, column 2'],
    ['an end in the middle', '{"a":', 'the text ends early at line 1, column 6'],
    ['a string without an end', '"abc', 'a string does not end at line 1, column 5'],
    ['a raw line break in a string', '"a\nb"', 'a control character in a string at line 1, column 3'],
    ['half of a surrogate pair', String.raw`["\ud800x"]`, 'a string with half of a surrogate pair at line 1, column 2'],
    ['an unknown escape', String.raw`"\x41"`, 'an escape that JSON does not know at line 1, column 2'],
    ['a number beyond a double', '[\n  1e400]', 'a number out of range at line 2, column 3'],
    ['a number with a leading zero', '01', 'trailing text after the value at line 1, column 2'],
    ['a repeated key', '{"a":1,"a":1}', 'key "a" is repeated at line 1, column 12'],
    ['a key repeated by an escape', String.raw`{"a":1,"\u0061":1}`, 'key "a" is repeated at line 1, column 17'],
  ])('refuses %s', (_, text, problem) => {
    expect(() => parseStrictJson(text)).toThrow(
      expect.objectContaining({ name: 'StrictJsonError', message: `Cannot read JSON: ${problem}` }),
    );
  });

  test('reads 127 levels and refuses 128', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => parseStrictJson(nested(127))).not.toThrow();
    expect(() => parseStrictJson(nested(128))).toThrow(/deeper than 127 levels/);
    expect(() => parseStrictJson('[{"a":'.repeat(100_000))).toThrow(/deeper than 127 levels/);
  });

  test('lets the last of repeated keys win, but only below the free path', () => {
    const options = { freeBelow: ['payload', 'data'] };
    expect(parseStrictJson('{"payload":{"data":{"a":1,"a":2}}}', options)).toEqual({ payload: { data: { a: 2 } } });
    expect(() => parseStrictJson('{"payload":{"data":1,"data":2}}', options)).toThrow(/"data" is repeated/);
    expect(() => parseStrictJson('{"data":{"a":1,"a":2}}', options)).toThrow(/"a" is repeated/);
    expect(() => parseStrictJson('{"payload":[{"data":{"a":1,"a":2}}]}', options)).toThrow(/"a" is repeated/);
  });

  test.each(['5.0', '1e3', '-0', '0.5', '18446744073709551616', '-9007199254740993'])(
    'takes %s for no integer outside of the free path',
    (literal) => {
      expect(parseStrictJson(literal)).toEqual(new NotAnInteger(literal));
      expect(parseStrictJson(literal, free)).toBe(Number(literal));
    },
  );

  test.each(['9007199254740992', '18446744073709551615'])('clamps %s to the largest safe integer', (literal) => {
    expect(parseStrictJson(literal)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch {
    return 'refused';
  }
}
