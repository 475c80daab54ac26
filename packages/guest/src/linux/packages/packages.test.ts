import { readFileSync, rmSync } from 'node:fs';
import { DiskError } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { corpusFile, readFolder, untar } from '../../testing/corpus.ts';
import { collectFrom, valueFrom } from '../../testing/guest.ts';
import { parseApkInstalled } from './apk.ts';
import { packagesOf } from './packages.ts';
import { parsePacmanDesc } from './pacman.ts';

const DPKG =
  'Package: dpkg-one\nStatus: install ok installed\nVersion: 1\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 2\n';
const APK = 'P:apk-one\nV:1.2-r0\nA:x86_64\nI:4096\no:origin\nm:Some One <a@b.c>\nF:bin\nR:sh\n\nP:apk-two\nV:3\n';
const DESC =
  '%NAME%\npacman-one\n\n%VERSION%\n1:2-3\n\n%BASE%\nbase\n\n%ARCH%\nx86_64\n\n%SIZE%\n99\n\n%DEPENDS%\nglibc\n';

describe('packagesOf', () => {
  test('reads dpkg, and keeps apart what is not wholly installed', () => {
    expect(valueFrom({ '/var/lib/dpkg/status': DPKG }, packagesOf('deb'))).toMatchObject({
      count: 1,
      manager: 'dpkg',
      packages: ['dpkg-one'],
      installed: [{ name: 'dpkg-one', version: '1' }],
      incomplete: [{ name: 'gone', status: 'config-files' }],
    });
  });

  test('reads the files of status.d that distroless images have', () => {
    const files = {
      '/var/lib/dpkg/status.d/base': 'Package: base\nVersion: 1\n',
      '/var/lib/dpkg/status.d/base.md5sums': 'Package: no\n',
    };
    expect(valueFrom(files, packagesOf(null)).packages).toEqual(['base']);
  });

  test.each(['/lib/apk/db/installed', '/usr/lib/apk/db/installed'])('reads apk from %s', (path) => {
    expect(valueFrom({ [path]: APK }, packagesOf(null))).toMatchObject({
      count: 2,
      manager: 'apk',
      packages: ['apk-one', 'apk-two'],
    });
  });

  test('reads pacman, and notes what names no package', () => {
    const files = {
      '/var/lib/pacman/local/a-1/desc': DESC,
      '/var/lib/pacman/local/b-1/desc': '%NME%\nx\n',
      '/var/lib/pacman/local/ALPM_DB_VERSION': '9',
    };
    const collected = collectFrom(files, packagesOf(null));
    expect(collected).toMatchObject({
      status: 'ok',
      value: { packages: ['pacman-one'] },
      sources: ['/var/lib/pacman/local'],
    });
    expect(collected.notes).toEqual(["Cannot read '/var/lib/pacman/local/b-1/desc': it names no package and version"]);
  });

  test.each(['/var/lib/rpm/Packages', '/var/lib/rpm/rpmdb.sqlite', '/usr/lib/sysimage/rpm/Packages.db'])(
    'says that the rpm database %s is not supported',
    (path) => {
      const collected = collectFrom({ [path]: 'x' }, packagesOf('rpm'));
      expect(collected).toMatchObject({
        status: 'unsupported',
        reason: expect.stringContaining(path),
        value: { manager: 'rpm' },
        sources: [path],
      });
      expect(collected.value).not.toHaveProperty('packages');
    },
  );

  test('prefers the database of the distribution to that of a foreign tool', () => {
    const both = { '/var/lib/dpkg/status': DPKG, '/lib/apk/db/installed': APK };
    expect(valueFrom(both, packagesOf('apk')).manager).toBe('apk');
    expect(valueFrom(both, packagesOf('deb')).manager).toBe('dpkg');
    expect(valueFrom({ ...both, '/var/lib/dpkg/status': '' }, packagesOf(null)).manager).toBe('apk');
  });

  test('answers absent without any database', () => {
    expect(collectFrom({ '/bin/busybox': '' }, packagesOf(null)).status).toBe('absent');
  });

  test('answers corrupt when the database cannot be read', () => {
    const files = { '/var/lib/dpkg/status': { error: new DiskError('corrupt', 'Cannot read extent') } };
    expect(collectFrom(files, packagesOf('deb'))).toMatchObject({
      status: 'corrupt',
      reason: 'Cannot read extent',
      sources: ['/var/lib/dpkg/status'],
    });
  });

  const alpine = ['3.12.12', '3.16.9', '3.20.3'].map(
    (version) => [version, corpusFile(`os-images/docker-alpine/alpine-minirootfs-${version}-x86_64.tar.gz`)] as const,
  );
  test.skipIf(!alpine[0]?.[1]).each(alpine)('reads the packages of Alpine %s', (_, archive) => {
    const root = untar(archive ?? '');
    try {
      const text = readFileSync(`${root}/lib/apk/db/installed`, 'utf8');
      const names = [...text.matchAll(/^P:(.*)$/gm)].map(([, name]) => name);
      const list = valueFrom({ '/lib/apk/db/installed': text }, packagesOf('apk'));
      expect(list.packages).toEqual(names);
      expect(list.packages).toContain('busybox');
      expect(list.installed.every(({ version, architecture }) => version !== '' && architecture === 'x86_64')).toBe(
        true,
      );
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  const arch = corpusFile('packages-db/syft/arch');
  test.skipIf(!arch)('reads the whole entries of a pacman database, not the damaged ones', () => {
    const collected = collectFrom(readFolder(arch ?? ''), packagesOf('pacman'));
    expect(collected.value?.packages).toEqual(['emacs', 'fuzzy', 'gmp', 'madeup', 'tree-sitter']);
    expect(collected.notes).toHaveLength(1);
  });
});

test('parseApkInstalled takes the fields of packages, not those of their files', () => {
  expect(parseApkInstalled(APK)[0]).toEqual({
    name: 'apk-one',
    version: '1.2-r0',
    architecture: 'x86_64',
    source: 'origin',
    section: null,
    maintainer: 'Some One <a@b.c>',
    installed_size_bytes: 4096,
    essential: false,
    status: 'installed',
  });
});

test('parsePacmanDesc reads the first value of each field', () => {
  expect(parsePacmanDesc(DESC)).toMatchObject({
    name: 'pacman-one',
    version: '1:2-3',
    architecture: 'x86_64',
    source: 'base',
    installed_size_bytes: 99,
  });
});
