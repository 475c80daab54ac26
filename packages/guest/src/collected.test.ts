import { DiskError, type DiskErrorKind } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { absent, collect, ok } from './collected.ts';
import { collectFrom, guestTree } from './testing/guest.ts';

const TREE = { '/etc/hostname': 'web\n', '/etc/a/b': 'x', '/etc/a/c': 'y' };

function failing(kind: DiskErrorKind) {
  return () => {
    throw new DiskError(kind, 'Cannot read: \u001b[31m');
  };
}

describe('collect', () => {
  test('gives the value and the paths it comes from', () => {
    const collected = collectFrom(TREE, (files) => ok(files.readText('/etc/hostname')));
    expect(collected).toEqual({ status: 'ok', value: 'web\\x0a', sources: ['/etc/hostname'], notes: [] });
  });

  test('names no path that is not there', () => {
    expect(collectFrom(TREE, (files) => ok(files.exists('/etc/none') || files.names('/none').length)).sources).toEqual(
      [],
    );
  });

  test('lets a folder stand for what was read below it', () => {
    const collected = collectFrom(TREE, (files) =>
      ok(files.names('/etc/a').map((name) => files.readText(`/etc/a/${name}`))),
    );
    expect(collected.sources).toEqual(['/etc/a']);
  });

  test.each<[DiskErrorKind, string]>([
    ['corrupt', 'corrupt'],
    ['unsupported', 'unsupported'],
    ['encrypted', 'encrypted'],
    ['not-found', 'absent'],
  ])('turns a DiskError of kind %s into a status', (kind, status) => {
    expect(collectFrom(TREE, failing(kind))).toMatchObject({ status, reason: 'Cannot read: \\x1b[31m' });
  });

  test.each<DiskErrorKind>(['io', 'denied', 'mismatch'])('lets a DiskError of kind %s rise', (kind) => {
    expect(() => collectFrom(TREE, failing(kind))).toThrow(DiskError);
  });

  test('lets our own mistakes rise', () => {
    const broken = () => {
      throw new TypeError('x is undefined');
    };
    expect(() => collect(guestTree(TREE), broken)).toThrow(TypeError);
  });

  test('keeps the reason and sources of what is absent', () => {
    const collected = collectFrom(TREE, (files) => (files.exists('/etc/a') ? absent('nothing in it') : ok(1)));
    expect(collected).toMatchObject({ status: 'absent', reason: 'nothing in it', sources: ['/etc/a'] });
  });
});

describe('GuestFiles', () => {
  const damaged = { '/a': { error: new DiskError('corrupt', 'Cannot read extent') }, '/b': 'good' };

  test('passes over a damaged file of many, with a note', () => {
    const collected = collectFrom(damaged, (files) => ok(['/a', '/b'].map((path) => files.readTextOrNote(path))));
    expect(collected).toMatchObject({ value: [undefined, 'good'], notes: ["Cannot read '/a': Cannot read extent"] });
  });

  test('keeps a bounded number of notes', () => {
    const collected = collectFrom(damaged, (files) => {
      for (let n = 0; n < 1000; n += 1) files.readTextOrNote('/a');
      return ok(null);
    });
    expect(collected.notes).toHaveLength(21);
  });

  test('refuses a file above its limit', () => {
    expect(collectFrom({ '/big': 'x'.repeat(11) }, (files) => ok(files.readText('/big', 10)))).toMatchObject({
      status: 'unsupported',
      reason: "Cannot read '/big': 11 bytes, expected at most 10",
    });
  });

  const odd = { '/etc': { directory: true }, '/dev/null': { device: true }, '/dangling': { link: '/none' } } as const;
  test.each(Object.keys(odd).concat('/none'))('reads %s as no file', (path) => {
    expect(collectFrom(odd, (files) => ok(files.readText(path) ?? null))).toMatchObject({ status: 'ok', value: null });
  });

  test('calls links in a circle corrupt', () => {
    const circle = { '/a': { link: 'b' }, '/b': { link: 'a' } };
    expect(collectFrom(circle, (files) => ok(files.readText('/a') ?? null)).status).toBe('corrupt');
  });
});
