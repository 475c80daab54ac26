import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differences } from './tree-differences.ts';
import { type ListedFile, listFolder } from './tree-listing.ts';

const FILE: ListedFile = {
  path: '/file',
  type: 'file',
  mode: '644',
  uid: 0,
  gid: 0,
  size: 3,
  links: 1,
  inode: 12,
  modified: '1 s 2 ns',
  changed: '1 s 2 ns',
  accessed: '1 s 2 ns',
  sha256: 'abc',
  xattrs: { 'user.note': '00' },
};

describe('differences', () => {
  test('of equal lists are none, in whatever order they are', () => {
    const other = { ...FILE, path: '/other' };
    expect(differences([FILE, other], [other, { ...FILE, accessed: '9 s 0 ns' }])).toEqual([]);
  });

  test.each([
    ['mode', { mode: '4755' }],
    ['modified', { modified: '1 s 3 ns' }],
    ['device', { device: '4:64' }],
    ['xattrs', { xattrs: { 'user.note': '01' } }],
    ['xattrs', { xattrs: {} }],
  ])('names the field %s', (field, change) => {
    const found = differences([FILE], [{ ...FILE, ...change }]);
    expect(found).toEqual([expect.stringMatching(new RegExp(`^"/file": ${field} is .* in ours, .* in kernel$`))]);
    expect(differences([FILE], [{ ...FILE, ...change }], { leaveOut: [field as keyof ListedFile] })).toEqual([]);
  });

  test('names what only one side has', () => {
    const found = differences([FILE], [{ ...FILE, path: '/\n' }]);
    expect(found).toEqual(['"/file": only in ours', '"/\\n": only in kernel']);
  });

  test('counts what is beyond the limit', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ ...FILE, path: `/${index}` }));
    expect(differences(many, [], { limit: 1 })).toEqual(['"/0": only in ours', '… and 29 more differences']);
  });
});

describe('listFolder', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-listing-'));
    mkdirSync(path.join(folder, 'sub'));
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/sub/`), Buffer.of(0xff)]), 'x');
    writeFileSync(path.join(folder, 'new\nline\\'), '');
    symlinkSync('nowhere', path.join(folder, 'link'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('keeps names that are not text', () => {
    expect(listFolder(folder).map((file) => file.path)).toEqual(['/', '/link', '/new\nline\\', '/sub', '/sub/\udcff']);
  });

  test('lists extended attributes, whatever the name of the file', (context) => {
    const set = () => execFileSync('setfattr', ['-n', 'user.a=b', '-v', '0x00ff', path.join(folder, 'new\nline\\')]);
    try {
      set();
    } catch {
      return context.skip('no extended attributes can be set here');
    }
    const file = listFolder(folder).find(({ path }) => path.startsWith('/new'));
    expect(file?.xattrs).toEqual({ 'user.a=b': '00ff' });
  });
});
