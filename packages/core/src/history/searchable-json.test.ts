import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSearchableJson, toSearchableJson, toSearchableText } from './searchable-json.ts';

const HARD = ['\0', '\ud800', 'a\udfffb', '\uFFFE', '\uFFFE0000', '\\u0000', '\\\0', '💾', '"\\"'];

describe('searchable JSON', () => {
  test('reads back as what was written', () => {
    const text = fc.string({ unit: 'binary' });
    const hard = fc.array(fc.oneof(text, fc.constantFrom(...HARD))).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(hard, fc.array(hard))), (value) => {
        expect(parseSearchableJson(toSearchableJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test.each(HARD)('holds nothing that a database refuses: %j', (text) => {
    const json = toSearchableJson({ [text]: [text] });
    expect(json.isWellFormed()).toBe(true);
    expect(JSON.stringify(JSON.parse(json))).not.toMatch(/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/);
    expect(parseSearchableJson(json)).toEqual({ [text]: [text] });
    expect(JSON.parse(json)).toEqual({ [toSearchableText(text)]: [toSearchableText(text)] });
  });

  test('leaves ordinary JSON as it is', () => {
    const value = { a: ['ä', 1, null, 'C:\\users\\u0', 'line\nbreak'] };
    expect(toSearchableJson(value)).toBe(JSON.stringify(value));
  });
});
