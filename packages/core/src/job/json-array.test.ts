import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitJsonArray } from './json-array.ts';

describe('splitJsonArray', () => {
  test('gives the text of each item as it was written', () => {
    expect(splitJsonArray(' [ {"a": 1.0} ,[1,2],"x"]\n')).toEqual([' {"a": 1.0} ', '[1,2]', '"x"']);
  });

  test('finds nothing in an empty array', () => {
    expect(splitJsonArray('[ \n]')).toEqual([]);
  });

  test('is not misled by brackets, commas and quotes within strings', () => {
    const items = ['{"a":"],[\\"\\\\"}', '"\\\\"', '["}",","]'];
    expect(splitJsonArray(`[${items.join()}]`)).toEqual(items);
  });

  test('parts every array so that the items parse to what the whole parses to', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), (values, indent) => {
        const items = splitJsonArray(JSON.stringify(values, null, indent));
        expect(items.map((item) => JSON.parse(item))).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });

  test('leaves a malformed item to whoever reads it', () => {
    expect(splitJsonArray('[{"a":},nope,{"b":2}]')).toEqual(['{"a":}', 'nope', '{"b":2}']);
    expect(splitJsonArray('[1,]')).toEqual(['1', '']);
  });

  test('reads a string that does not end in time that grows with its length', () => {
    expect(() => splitJsonArray(`["${'\\"a'.repeat(500_000)}`)).toThrow('the array does not end');
  });

  test.each(['', '{}', '"[]"', '[', '[{"a":1}', '["a', '[] []', '[1}', '[1],', '\u{feff}[]'])('refuses %j', (text) => {
    expect(() => splitJsonArray(text)).toThrow(expect.objectContaining({ name: 'StrictJsonError' }));
  });
});
