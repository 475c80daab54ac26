import type { GuestFiles } from '../../guest-files.ts';
import { parseShellAssignments } from '../shell-assignments.ts';
import { parseVersion, type Version } from './version.ts';

// Where systems without os-release, or with a terse one, name themselves.

/** What a release file tells. `id` is spelled as os-release would. */
export interface Release {
  readonly id: string;
  readonly product_name: string | null;
  readonly version: Version | null;
  readonly codename: string | null;
}

type Reader = (text: string) => Release | undefined;

// in order: a derivative keeps the files of what it derives from, so it stands before it
const RELEASE_FILES: readonly (readonly [path: string, reader: Reader])[] = [
  ['/etc/lsb-release', readLsbRelease],
  ['/etc/oracle-release', firstLine('ol')],
  ['/etc/rocky-release', firstLine('rocky')],
  ['/etc/almalinux-release', firstLine('almalinux')],
  ['/etc/centos-release', firstLine('centos')],
  ['/etc/altlinux-release', firstLine('altlinux')],
  ['/etc/mageia-release', firstLine('mageia')],
  ['/etc/mandriva-release', firstLine('mandriva')],
  ['/etc/meego-release', firstLine('meego')],
  ['/etc/fedora-release', firstLine('fedora')],
  ['/etc/redhat-release', readRedHatRelease],
  ['/etc/system-release', readRedHatRelease],
  ['/etc/SuSE-release', readSuseRelease],
  ['/etc/alpine-release', firstLine('alpine')],
  ['/etc/pardus-release', firstLine('pardus')],
  ['/etc/arch-release', firstLine('arch')],
  ['/etc/gentoo-release', firstLine('gentoo')],
  ['/etc/slackware-version', firstLine('slackware')],
  ['/etc/ttylinux-target', firstLine('ttylinux')],
  ['/etc/frugalware-release', firstLine('frugalware')],
  ['/etc/pld-release', firstLine('pld')],
  ['/etc/cirros/version', firstLine('cirros')],
  ['/etc/br-version', firstLine('buildroot')],
  ['/etc/debian_version', firstLine('debian')],
];

const LSB_IDS = new Map([
  ['Ubuntu', 'ubuntu'],
  ['Debian', 'debian'],
  ['LinuxMint', 'linuxmint'],
  ['CoreOS', 'coreos'],
  ['Mageia', 'mageia'],
  ['MandrivaLinux', 'mandriva'],
]);

const RED_HAT_NAMES: readonly (readonly [name: string, id: string])[] = [
  ['Fedora', 'fedora'],
  ['CentOS', 'centos'],
  ['Scientific Linux', 'scientific'],
  ['Oracle Linux', 'ol'],
  ['Rocky Linux', 'rocky'],
  ['AlmaLinux', 'almalinux'],
  ['CloudLinux', 'cloudlinux'],
  ['Amazon Linux', 'amzn'],
  ['XenServer', 'xenenterprise'],
  ['Red Hat', 'rhel'],
];

// derivatives that kept the os-release of what they derive from, but not this file
const DERIVATIVE_FILES = new Map<string, readonly [path: string, reader: Reader]>([
  ['ubuntu', ['/etc/lsb-release', readLsbRelease]],
  ['rhel', ['/etc/redhat-release', readRedHatRelease]],
]);

/** The derivative that a system is, when its os-release only names what it derives from. */
export function readDerivative(files: GuestFiles, id: string): Release | undefined {
  const [path, reader] = DERIVATIVE_FILES.get(id) ?? [];
  const text = path && files.readText(path);
  const release = text && reader ? reader(text) : undefined;
  return release?.id === id || release?.id === 'redhat-based' ? undefined : release;
}

/** What the first release file that says something says. */
export function readReleaseFile(files: GuestFiles): Release | undefined {
  for (const [path, reader] of RELEASE_FILES) {
    const text = files.readText(path);
    const release = text === undefined ? undefined : reader(text);
    if (release) return release;
  }
  return undefined;
}

/** The precise version that a named file gives on its first line. */
export function readVersionFile(files: GuestFiles, path: string): Version | null {
  return versionOf(headOf(files.readText(path) ?? ''));
}

/** Files of one line: `Fedora release 14 (Laughlin)`, `3.12.12`, or nothing at all. */
function firstLine(id: string): Reader {
  return (text) => ({ id, product_name: headOf(text) || null, version: versionOf(headOf(text)), codename: null });
}

function readLsbRelease(text: string): Release | undefined {
  const fields = parseShellAssignments(text);
  const id = LSB_IDS.get(fields.get('DISTRIB_ID') ?? '');
  // a bare LSB_VERSION names no distribution
  if (!id) return undefined;
  return {
    id,
    product_name: fields.get('DISTRIB_DESCRIPTION') || null,
    version: parseVersion(fields.get('DISTRIB_RELEASE')),
    codename: fields.get('DISTRIB_CODENAME') || null,
  };
}

function readRedHatRelease(text: string): Release {
  const line = headOf(text);
  const id = RED_HAT_NAMES.find(([name]) => line.startsWith(name))?.[1] ?? 'redhat-based';
  return {
    id,
    product_name: line || null,
    version: versionOf(line),
    codename: /\(([^()]*)\)\s*$/.exec(line)?.[1] ?? null,
  };
}

function readSuseRelease(text: string): Release {
  const line = headOf(text);
  const major = /^VERSION = (\d+(?:\.\d+)?)/m.exec(text)?.[1];
  const patchLevel = /^PATCHLEVEL = (\d+)/m.exec(text)?.[1];
  return {
    id: suseId(line),
    product_name: line || null,
    version: parseVersion(major?.includes('.') || !patchLevel ? major : `${major}.${patchLevel}`),
    codename: /^CODENAME = (.+)/m.exec(text)?.[1]?.trim() ?? null,
  };
}

function suseId(line: string): string {
  if (/^SUSE (Linux|LINUX) Enterprise /.test(line) || line.startsWith('Novell Linux Desktop ')) return 'sles';
  return /^(openSUSE|SuSE Linux|SUSE LINUX) /.test(line) ? 'opensuse' : 'suse-based';
}

/** `release 5 (Nahant Update 4)` is 5.4, else the first number counts. */
function versionOf(line: string): Version | null {
  const [, major, update] = /release (\d{1,9})\b.*\bUpdate (\d{1,9})/.exec(line) ?? [];
  return parseVersion(major === undefined ? line : `${major}.${update}`);
}

/** Release files are one short line; what is longer is none. */
function headOf(text: string): string {
  return text.slice(0, 256).split('\n', 1)[0]?.trim() ?? '';
}
