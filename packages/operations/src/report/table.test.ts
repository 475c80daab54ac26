import { describe, expect, test } from 'vitest';
import { formatBytes } from './size.ts';
import { renderTable } from './table.ts';

describe('renderTable', () => {
  test('lines up columns and leaves no blanks at the end of a line', () => {
    const table = renderTable<readonly [string, number | null]>(
      [
        { title: 'NAME', cell: ([name]) => name },
        { title: 'SIZE', align: 'right', cell: ([, size]) => size },
        { title: 'NOTE', cell: () => '' },
      ],
      [
        ['a', 5],
        ['longer', null],
      ],
    );
    expect(table).toBe('NAME    SIZE  NOTE\na          5  -\nlonger     -  -\n');
  });

  test('keeps a hostile cell in its line', () => {
    expect(renderTable([{ title: 'T', cell: (text: string) => text }], ['x\ny'])).toBe('T\nx\\x0ay\n');
  });
});

describe('formatBytes', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [203_423_744, '194 MiB'],
    [10 * 2 ** 30, '10 GiB'],
    [2 ** 53, '8 PiB'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
