import { expect, test } from 'vitest';
import { parseShellAssignments } from './shell-assignments.ts';

test.each([
  ['bare', 'ID=debian', 'debian'],
  ['double quoted', 'ID="a b"', 'a b'],
  ['single quoted, where nothing escapes', `ID='a\\"$b'`, 'a\\"$b'],
  ['escapes in double quotes', 'ID="\\$5 \\"x\\" \\`y\\` \\\\ \\n"', '$5 "x" `y` \\ \\n'],
  ['unquoted escapes', 'ID=a\\ b', 'a b'],
  ['joined words', `ID=a"b"'c'`, 'abc'],
  ['unquoted blanks inside, as some images have', 'ID=Foo Bar  ', 'Foo Bar'],
  ['a comment behind', 'ID=a # b', 'a'],
  ['a hash inside a word', 'ID=a#b', 'a#b'],
  ['an empty value', 'ID=', ''],
  ['an empty quoted value', 'ID=""', ''],
  ['an unclosed quote', 'ID="abc\nX=1', 'abc'],
  ['export', 'export ID=a', 'a'],
  ['carriage returns', 'ID=a\r\nX=1\r\n', 'a'],
  ['the last assignment', 'ID=a\nID=b', 'b'],
])('reads %s', (_, text, expected) => {
  expect(parseShellAssignments(text).get('ID')).toBe(expected);
});

test.each(['#ID=a', 'ID a', ' =b', '1D=a', 'I-D=a'])('takes %j for no assignment', (line) => {
  expect(parseShellAssignments(line).size).toBe(0);
});

test('reads a line of a million quotes and escapes', () => {
  expect(parseShellAssignments(`ID=${"\\''".repeat(400_000)}`).get('ID')).toHaveLength(400_000);
});
