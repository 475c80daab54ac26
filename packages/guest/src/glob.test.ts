import { expect, test } from 'vitest';
import { filesMatching } from './file-glob.ts';
import { matchesGlob } from './glob.ts';
import { GuestFiles } from './guest-files.ts';
import { guestTree } from './testing/guest.ts';

test.each([
  ['*.conf', 'a.conf', true],
  ['*.conf', 'a.conf.bak', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['[0-9]*', '50-x', true],
  ['[0-9]*', 'x', false],
  ['[!a]b', 'cb', true],
  ['[!a]b', 'ab', false],
  ['[]]', ']', true],
  ['[a', '[a', true],
  ['*', '', true],
  ['a*b*c', 'aXbXbXc', true],
  ['a.c', 'abc', false],
])('matchesGlob(%j, %j) is %s', (pattern, name, expected) => {
  expect(matchesGlob(pattern, name)).toBe(expected);
});

test('matchesGlob tries only its last star again', () => {
  expect(matchesGlob(`${'a*'.repeat(2000)}b`, 'a'.repeat(4000))).toBe(false);
});

test('filesMatching lists matches sorted, without hidden names', () => {
  const files = new GuestFiles(
    guestTree({ '/d/b.conf': '', '/d/a.conf': '', '/d/.c.conf': '', '/d/x': '', '/e/a.conf': '' }),
  );
  expect(filesMatching(files, '/d/*.conf')).toEqual(['/d/a.conf', '/d/b.conf']);
  expect(filesMatching(files, '/*/a.conf')).toEqual(['/d/a.conf', '/e/a.conf']);
  expect(filesMatching(files, '/none/*')).toEqual([]);
});
