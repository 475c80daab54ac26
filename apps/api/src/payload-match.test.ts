import { describe, expect, test } from 'vitest';
import { payloadMatch } from './payload-match.ts';

describe('payloadMatch', () => {
  test.each([
    ['image.path=/srv/a.qcow2', ['image', 'path'], '/srv/a.qcow2'],
    ['size=3', ['size'], 3],
    ['size="3"', ['size'], '3'],
    ['size=-1.5e3', ['size'], -1500],
    ['deep.flag=true', ['deep', 'flag'], true],
    ['nothing=null', ['nothing'], null],
    ['query=a=b', ['query'], 'a=b'],
    ['empty=', ['empty'], ''],
    ['disks.0.id=x', ['disks', '0', 'id'], 'x'],
    ['disks[12].id=x', ['disks', '12', 'id'], 'x'],
    ['[0].id=x', ['0', 'id'], 'x'],
    [String.raw`image\.path=x`, ['image.path'], 'x'],
    [String.raw`a\=b\[0]\\=x`, ['a=b[0]\\'], 'x'],
    ['.=7', [], 7],
    ['list=[1]', ['list'], '[1]'],
  ])('reads %s', (text, path, value) => {
    expect(payloadMatch.parse(text)).toEqual({ path, value });
  });

  test.each(['', 'size', '=3', 'a\\'])('refuses "%s"', (text) => {
    expect(payloadMatch.safeParse(text).error?.issues[0]?.message).toBe('expected PATH=VALUE');
  });
});
