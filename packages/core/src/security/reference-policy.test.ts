import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWithin } from './path-guard.ts';
import { openReference, type ReferencePolicy, type Referrer } from './reference-policy.ts';

let base: string;
let root: string;

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'guestkit-reference-'));
  root = path.join(base, 'images');
  mkdirSync(path.join(root, 'vm', 'sub'), { recursive: true });
  for (const file of ['vm/top', 'vm/base', 'vm/sub/deep', 'shared', '../outside'])
    writeFileSync(path.join(root, file), file);
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

function referrer(policy: ReferencePolicy, changes: Partial<Referrer> = {}): Referrer {
  const { fd, path: image, stamp } = openWithin([root], 'vm/top');
  closeSync(fd);
  return { policy, path: image, roots: [root], chain: [stamp], ...changes };
}

function contentOf(reference: string, from: Referrer): string {
  const { fd } = openReference(reference, from);
  const content = readFileSync(fd, 'utf8');
  closeSync(fd);
  return content;
}

describe('openReference opens', () => {
  test('a file beside the image by "same-directory"', () => {
    expect(contentOf('base', referrer('same-directory'))).toBe('vm/base');
    expect(contentOf('./base', referrer('same-directory'))).toBe('vm/base');
  });

  test('a file below or within the roots by "roots"', () => {
    expect(contentOf('sub/deep', referrer('roots'))).toBe('vm/sub/deep');
    expect(contentOf(path.join(root, 'shared'), referrer('roots'))).toBe('shared');
  });

  test('a symlink that stays within the roots by "roots"', () => {
    symlinkSync('../shared', path.join(root, 'vm', 'link'));
    expect(contentOf('link', referrer('roots'))).toBe('shared');
  });
});

describe('openReference refuses', () => {
  test('everything by "deny", naming what is needed', () => {
    expect(() => openReference('base', referrer('deny'))).toThrow(
      expect.objectContaining({
        kind: 'denied',
        reference: 'base',
        message: expect.stringContaining('Cannot open "base", which the image needs'),
      }),
    );
  });

  test.each([
    'json:{"driver":"file","filename":"/etc/passwd"}',
    'file:base',
    'file:///etc/passwd',
    'nbd://localhost/disk',
    'http://169.254.169.254/latest',
    'C:\\base.vhd',
    '../shared',
    'sub/../base',
    'base\0.qcow2',
    '',
    '/etc/passwd',
    '/dev/zero',
    '/proc/self/environ',
  ])('%j by every policy', (reference) => {
    for (const policy of ['deny', 'same-directory', 'roots'] as const) {
      expect(() => openReference(reference, referrer(policy))).toThrow(
        expect.objectContaining({ kind: 'denied', reference }),
      );
    }
  });

  test('other folders by "same-directory"', () => {
    for (const reference of ['sub/deep', path.join(root, 'vm', 'base')]) {
      expect(() => openReference(reference, referrer('same-directory'))).toThrow(
        expect.objectContaining({ kind: 'denied' }),
      );
    }
  });

  test('symlinks out of the folder by "same-directory"', () => {
    symlinkSync('../shared', path.join(root, 'vm', 'up'));
    symlinkSync('sub/deep', path.join(root, 'vm', 'down'));
    for (const reference of ['up', 'down']) {
      expect(() => openReference(reference, referrer('same-directory'))).toThrow(
        expect.objectContaining({ kind: 'denied' }),
      );
    }
  });

  test('symlinks out of the roots by "roots"', () => {
    symlinkSync('../../outside', path.join(root, 'vm', 'link'));
    expect(() => openReference('link', referrer('roots'))).toThrow(expect.objectContaining({ kind: 'denied' }));
  });

  test('a missing file without naming the folder of the host', () => {
    expect(() => openReference('gone', referrer('same-directory'))).toThrow(
      expect.objectContaining({ kind: 'not-found', message: expect.not.stringContaining(base) }),
    );
  });

  test('an image that names itself, under any name', () => {
    symlinkSync('top', path.join(root, 'vm', 'again'));
    for (const reference of ['top', 'again']) {
      expect(() => openReference(reference, referrer('roots'))).toThrow(/leads back/);
    }
  });

  test('a chain of more than 16 images', () => {
    const chain = Array.from({ length: 16 }, (_, i) => ({
      dev: 0n,
      ino: BigInt(i),
      size: 0n,
      mtimeNs: 0n,
      ctimeNs: 0n,
    }));
    expect(() => openReference('base', referrer('roots', { chain }))).toThrow(/longer than 16/);
    expect(contentOf('base', referrer('roots', { chain: chain.slice(1) }))).toBe('vm/base');
  });
});
