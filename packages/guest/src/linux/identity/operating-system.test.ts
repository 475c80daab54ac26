import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { corpusFile, readFolder, untar } from '../../testing/corpus.ts';
import { collectFrom, valueFrom } from '../../testing/guest.ts';
import type { MemoryFiles } from '../../testing/memory-tree.ts';
import { identifyLinux } from './operating-system.ts';

describe('identifyLinux', () => {
  test('reads every field of os-release', () => {
    const text = `ID=fedora\nID_LIKE="rhel  centos"\nNAME="Fedora Linux"\nPRETTY_NAME="Fedora Linux 40 (Server)"
VERSION="40 (Server)"\nVERSION_ID=40\nVERSION_CODENAME=x\nVARIANT="Server Edition"\nVARIANT_ID=server\nBUILD_ID=b
CPE_NAME="cpe:/o:fedoraproject:fedora:40"\nSUPPORT_END=2025-05-13\n`;
    expect(valueFrom({ '/etc/os-release': text }, identifyLinux)).toEqual({
      type: 'linux',
      distribution: 'fedora',
      product_name: 'Fedora Linux 40 (Server)',
      version: '40.0',
      major_version: 40,
      minor_version: 0,
      package_format: 'rpm',
      package_management: 'dnf',
      id: 'fedora',
      id_like: ['rhel', 'centos'],
      name: 'Fedora Linux',
      version_id: '40',
      codename: 'x',
      variant: 'Server Edition',
      variant_id: 'server',
      build_id: 'b',
      cpe_name: 'cpe:/o:fedoraproject:fedora:40',
      support_end: '2025-05-13',
    });
  });

  test('prefers /etc/os-release, follows its link, and falls back to /usr/lib', () => {
    const vendor = { '/usr/lib/os-release': 'ID=debian\nVERSION_ID=12\n' };
    const linked: MemoryFiles = { ...vendor, '/etc/os-release': { link: '../usr/lib/os-release' } };
    expect(collectFrom(linked, identifyLinux).sources).toEqual(['/etc/os-release']);
    expect(collectFrom(vendor, identifyLinux).sources).toEqual(['/usr/lib/os-release']);
    expect(valueFrom({ ...vendor, '/etc/os-release': 'ID=ubuntu\n' }, identifyLinux).distribution).toBe('ubuntu');
  });

  test.each([
    ['Debian', { '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n', '/etc/debian_version': '12.5\n' }, '12.5'],
    [
      'a Debian whose files disagree',
      { '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n', '/etc/debian_version': '11.2\n' },
      '12.0',
    ],
    ['Debian testing', { '/etc/os-release': 'ID=debian\n', '/etc/debian_version': 'trixie/sid\n' }, null],
    [
      'CentOS',
      {
        '/etc/os-release': 'ID="centos"\nVERSION_ID="7"\n',
        '/etc/centos-release': 'CentOS Linux release 7.9.2009 (Core)',
      },
      '7.9',
    ],
    ['Ubuntu, digits as written', { '/etc/os-release': 'ID=ubuntu\nVERSION_ID="22.04"\n' }, '22.04'],
  ])('finds the precise version of %s', (_, files, version) => {
    expect(valueFrom(files, identifyLinux).version).toBe(version);
  });

  test.each<[string, MemoryFiles, object]>([
    [
      'RHEL 5',
      { '/etc/redhat-release': 'Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n' },
      { distribution: 'rhel', version: '5.11', codename: 'Tikanga', package_management: 'yum' },
    ],
    [
      'RHEL 4',
      { '/etc/redhat-release': 'Red Hat Enterprise Linux AS release 4 (Nahant Update 7)\n' },
      { distribution: 'rhel', version: '4.7', package_management: 'up2date' },
    ],
    [
      'Fedora 14',
      { '/etc/redhat-release': 'Fedora release 14 (Laughlin)\n' },
      { distribution: 'fedora', version: '14.0' },
    ],
    [
      'SLES 11',
      { '/etc/SuSE-release': 'SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 3\n' },
      { distribution: 'sles', version: '11.3', package_management: 'zypper' },
    ],
    [
      'openSUSE 12.2',
      { '/etc/SuSE-release': 'openSUSE 12.2 (x86_64)\nVERSION = 12.2\nCODENAME = Mantis\n' },
      { distribution: 'opensuse', version: '12.2', codename: 'Mantis' },
    ],
    [
      'Ubuntu 10.04',
      {
        '/etc/lsb-release':
          'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_CODENAME=lucid\nDISTRIB_DESCRIPTION="Ubuntu 10.04.1 LTS"\n',
        '/etc/debian_version': 'squeeze/sid\n',
      },
      { distribution: 'ubuntu', version: '10.04', product_name: 'Ubuntu 10.04.1 LTS' },
    ],
    [
      'Debian 5',
      { '/etc/debian_version': '5.0.1\n' },
      { distribution: 'debian', version: '5.0', package_format: 'deb' },
    ],
    [
      'Alpine',
      { '/etc/alpine-release': '3.2.1\n' },
      { distribution: 'alpinelinux', version: '3.2', package_format: 'apk' },
    ],
    [
      'Arch, whose file is empty',
      { '/etc/arch-release': '' },
      { distribution: 'archlinux', version: null, product_name: null },
    ],
    [
      'an unknown relative of Red Hat',
      { '/etc/redhat-release': 'Foo OS 3\n' },
      { distribution: 'redhat-based', package_format: 'rpm' },
    ],
    [
      'an lsb-release that names nothing, and another file',
      { '/etc/lsb-release': 'LSB_VERSION=1.3\n', '/etc/slackware-version': 'Slackware 14.1\n' },
      { distribution: 'slackware', version: '14.1' },
    ],
    [
      'a distribution unknown to us by its database',
      { '/etc/os-release': 'ID=foo\n', '/var/lib/dpkg/status': 'Package: a\n' },
      { distribution: 'foo', package_format: 'deb' },
    ],
  ])('identifies %s', (_, files, expected) => {
    expect(valueFrom(files, identifyLinux)).toMatchObject(expected);
  });

  test('answers absent when nothing names a distribution', () => {
    expect(collectFrom({ '/bin/busybox': 'x' }, identifyLinux)).toMatchObject({ status: 'absent', sources: [] });
  });

  test('passes no terminal control on', () => {
    const evil = 'ID=debian\nPRETTY_NAME="\u001b]0;owned\u0007Debian\u202e"\n';
    expect(valueFrom({ '/etc/os-release': evil }, identifyLinux).product_name).toBe(
      '\\x1b]0;owned\\x07Debian\\u{202e}',
    );
  });
});

// what the folders of the collections are called, where it is not the distribution's id or has no single one
const OTHER_NAMES: Readonly<Record<string, string>> = {
  alma: 'almalinux',
  alpine: 'alpinelinux',
  amazon: 'amzn',
  arch: 'archlinux',
  bodhi: 'ubuntu',
  bottlerocket: 'amzn',
  bttcb: 'debian',
  armbian: 'debian',
  centosstream: 'centos',
  clearlinux: 'clear-linux-os',
  cumulus: 'cumulus-linux',
  debiantesting: 'debian',
  gardenlinux: 'hce',
  kali: 'kalilinux',
  kubuntu: 'ubuntu',
  lubuntu: 'ubuntu',
  mxlinux: 'debian',
  ol: 'oraclelinux',
  oracle: 'oraclelinux',
  pengwin: 'debian',
  puppy: 'debian',
  puppy_fossapup: 'puppy_fossapup64',
  redhat: 'rhel',
  scientific: 'scientificlinux',
  sled: 'sles',
  ubuntuunity: 'ubuntu',
  vanillaos: 'ubuntu',
  void: 'voidlinux',
  xbian: 'raspbian',
  xenserver: 'xenenterprise',
  xubuntu: 'ubuntu',
};

function expectedName(folder: string): string {
  const base = folder.toLowerCase().replace(/_?(stream|sap)?[_\d]*$/, '');
  if (base.startsWith('opensuse')) return 'opensuse';
  return OTHER_NAMES[base] ?? base;
}

describe('identifyLinux on collections of real release files', () => {
  const distro = corpusFile('os-images/distro/distro-resources.tar.gz');
  test.skipIf(!distro)('knows the distributions of python-distro by their whole folders', () => {
    const guests = foldersOf(distro ?? '');
    const others = new Set(['__shared__', 'freebsd111', 'netbsd711', 'openbsd62']);
    for (const [folder, files] of guests) {
      const { status, value } = collectFrom(files, identifyLinux);
      if (others.has(folder)) expect(status, folder).toBe('absent');
      else {
        expect(value?.distribution, folder).toBe(expectedName(folder));
        expect(value?.major_version ?? null, folder).toBe(majorOf(folder, value?.major_version ?? null));
      }
    }
    expect(guests.size).toBeGreaterThan(45);
  });

  const osRelease = corpusFile('os-images/os-release/os-release.tar.gz');
  test.skipIf(!osRelease)('knows the distributions and versions of which-distro/os-release', () => {
    const files = contentOf(osRelease ?? '');
    for (const [path, text] of Object.entries(files).filter(([name]) => !name.endsWith('.md'))) {
      const [, top = '', ...rest] = path.replace('/discontinued/', '/').split('/');
      const value = valueFrom({ '/etc/os-release': text }, identifyLinux);
      expect(value.distribution, path).toBe(expectedName(top));
      const version = /^v?(\d+)/.exec(rest.at(-1) ?? '')?.[1];
      if (version) expect(value.major_version, path).toBe(Number(version));
    }
    expect(Object.keys(files).length).toBeGreaterThan(240);
  });

  const chef = corpusFile('os-images/os_release/chef-os_release.tar.gz');
  test.skipIf(!chef)('knows the distributions and versions of chef/os_release', () => {
    const files = contentOf(chef ?? '');
    for (const [path, text] of Object.entries(files).filter(([name]) => !name.endsWith('.md'))) {
      const name = path.slice(1);
      const value = valueFrom({ '/etc/os-release': text }, identifyLinux);
      // two releases of XCP-ng used XenServer's id
      if (!/^xcp-ng_(7_5|8)$/.test(name)) expect(value.distribution, name).toBe(expectedName(name));
    }
    expect(Object.keys(files).length).toBeGreaterThan(110);
  });
});

function contentOf(archive: string): Record<string, string> {
  const folder = untar(archive);
  try {
    return readFolder(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function foldersOf(archive: string): Map<string, Record<string, string>> {
  const guests = new Map<string, Record<string, string>>();
  for (const [path, text] of Object.entries(contentOf(archive))) {
    const [, folder = '', ...rest] = path.split('/');
    guests.set(folder, { ...guests.get(folder), [`/${rest.join('/')}`]: text });
  }
  return guests;
}

/** `rhel5`, `ubuntu2504`, `fedora42`: the digits name the version, joined; without digits nothing is said. */
function majorOf(folder: string, found: number | null): number | null {
  const digits = /(\d+)$/.exec(folder)?.[1];
  if (!digits || folder === 'bttcb1') return found;
  return digits.startsWith(String(found)) ? found : Number(digits);
}
