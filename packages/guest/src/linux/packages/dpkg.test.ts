import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { corpusFile, unxz } from '../../testing/corpus.ts';
import { isInstalled, parseDpkgStatus } from './dpkg.ts';

const BASH = `Package: bash
Essential: yes
Status: install ok installed
Section: shells
Installed-Size: 7176
Maintainer: Matthias Klose <doko@debian.org>
Architecture: amd64
Source: bash-src (5.2)
Version: 1:5.2.15-2+b7
Description: GNU shell
 Version: 99 is no field here
 .
`;

describe('parseDpkgStatus', () => {
  test('reads the fields of a stanza', () => {
    expect(parseDpkgStatus(BASH)).toEqual([
      {
        name: 'bash',
        version: '1:5.2.15-2+b7',
        architecture: 'amd64',
        source: 'bash-src',
        section: 'shells',
        maintainer: 'Matthias Klose <doko@debian.org>',
        installed_size_bytes: 7176 * 1024,
        essential: true,
        status: 'installed',
      },
    ]);
  });

  test.each([
    ['a removed package', 'Package: a\nStatus: deinstall ok config-files\n', 'config-files', false],
    ['a package half way', 'Package: a\nStatus: install reinstreq half-installed\n', 'half-installed', false],
    [
      'a package that waits for a trigger',
      'Package: a\nStatus: install ok triggers-pending\n',
      'triggers-pending',
      true,
    ],
    ['a stanza without a status (distroless)', 'Package: a\nVersion: 1\n', 'installed', true],
    ['a status cut short', 'Package: a\nStatus: install ok\n', 'not-installed', false],
    ['field names in other case', 'PACKAGE: a\nstatus: install ok installed\n', 'installed', true],
  ])('tells the status of %s', (_, text, status, installed) => {
    const [found] = parseDpkgStatus(text);
    expect(found?.status).toBe(status);
    expect(found && isInstalled(found)).toBe(installed);
  });

  test('separates stanzas by any number of empty lines, and needs none at the end', () => {
    expect(parseDpkgStatus('\n\nPackage: a\n\n\r\n\nPackage: b').map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('passes over what is no stanza', () => {
    expect(parseDpkgStatus('no colon\n: empty\nVersion: 1\n\n\0\xff')).toEqual([]);
  });

  test('says that a size is unknown rather than guess', () => {
    expect(parseDpkgStatus('Package: a\nInstalled-Size: 4KB\n')[0]?.installed_size_bytes).toBeNull();
  });

  const expected = corpusFile('packages-db/debian-bookworm/dpkg-query.expected.tsv');
  const status = corpusFile('packages-db/debian-bookworm/status.xz');
  test.skipIf(!expected || !status)('agrees with dpkg-query about a real Debian 12', () => {
    const rows = parseDpkgStatus(unxz(status ?? ''))
      .filter(isInstalled)
      .map(({ name, version, architecture }) => `${name}\t${version}\t${architecture}`);
    const installed = readFileSync(expected ?? '', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('ii'));
    expect(rows.sort()).toEqual(installed.map((line) => line.split('\t').slice(1).join('\t')).sort());
  });

  const HOST = '/var/lib/dpkg/status';
  test.skipIf(!existsSync(HOST))('agrees with dpkg-query about this machine', () => {
    const fields = [
      'Package',
      'Version',
      'Architecture',
      'source:Package',
      'Section',
      'Maintainer',
      'db:Status-Status',
    ];
    const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
    const known = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8' }).split('\n').filter(Boolean);
    const ours = parseDpkgStatus(readFileSync(HOST, 'utf8')).map((found) =>
      [found.name, found.version, found.architecture, found.source, found.section, found.maintainer, found.status].join(
        '\t',
      ),
    );
    expect(ours.sort()).toEqual(known.sort());
  });
});
