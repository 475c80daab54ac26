import { type Answer, absent, type Collector, ok } from '../../collected.ts';
import type { GuestFiles } from '../../guest-files.ts';
import type { PackageFormat } from '../identity/distributions.ts';
import { parseApkInstalled } from './apk.ts';
import { isInstalled, parseDpkgStatus } from './dpkg.ts';
import { type InstalledPackage, MAX_PACKAGES, type PackageManager } from './package.ts';
import { parsePacmanDesc } from './pacman.ts';

/** Packages by the database that knows them. */
export interface PackageList {
  readonly count: number;
  readonly manager: PackageManager;
  /** Names only, as `installed` orders them. */
  readonly packages: readonly string[];
  readonly installed: readonly InstalledPackage[];
  /** Known to the database, but not wholly there: removed with their configuration left, half installed … */
  readonly incomplete: readonly InstalledPackage[];
}

interface PackageDatabase {
  readonly format: PackageFormat;
  readonly manager: PackageManager;
  /** The first path that holds this database. */
  locate(files: GuestFiles): string | undefined;
  read(files: GuestFiles, path: string): Answer<PackageList>;
}

const MAX_DATABASE_BYTES = 64 * 2 ** 20;

const DPKG_STATUS = '/var/lib/dpkg/status';
// distroless images: a file for each package
const DPKG_STATUS_FOLDER = '/var/lib/dpkg/status.d';
const APK_INSTALLED = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'] as const;
const PACMAN_LOCAL = '/var/lib/pacman/local';
const RPM_FOLDERS = ['/usr/lib/sysimage/rpm', '/var/lib/rpm', '/usr/share/rpm'] as const;
const RPM_FILES = ['rpmdb.sqlite', 'Packages.db', 'Packages'] as const;

const DATABASES: readonly PackageDatabase[] = [
  {
    format: 'deb',
    manager: 'dpkg',
    locate: (files) =>
      firstExisting(files, [DPKG_STATUS]) ??
      (files.names(DPKG_STATUS_FOLDER).length > 0 ? DPKG_STATUS_FOLDER : undefined),
    read: (files) => listOf('dpkg', readDpkg(files)),
  },
  {
    format: 'apk',
    manager: 'apk',
    locate: (files) => firstExisting(files, APK_INSTALLED),
    read: (files, path) => listOf('apk', parseApkInstalled(files.readText(path, MAX_DATABASE_BYTES) ?? '')),
  },
  {
    format: 'pacman',
    manager: 'pacman',
    locate: (files) => (files.isDirectory(PACMAN_LOCAL) ? PACMAN_LOCAL : undefined),
    read: (files) => listOf('pacman', readPacman(files)),
  },
  {
    format: 'rpm',
    manager: 'rpm',
    locate: (files) =>
      firstExisting(
        files,
        RPM_FOLDERS.flatMap((folder) => RPM_FILES.map((file) => `${folder}/${file}`)),
      ),
    read: (_, path) => ({
      status: 'unsupported',
      reason: `Cannot read the rpm database '${path}': not supported yet`,
      value: { manager: 'rpm' },
    }),
  },
];

/**
 * Reads the package database. A guest may hold several (dpkg on Fedora, rpm on Debian): the one of its distribution wins, else
 * the first that knows a package.
 */
export function packagesOf(preferred: PackageFormat | null): Collector<PackageList> {
  return (files) => {
    const ordered = [...DATABASES].sort((a, b) => Number(b.format === preferred) - Number(a.format === preferred));
    let empty: Answer<PackageList> | undefined;
    for (const database of ordered) {
      const path = database.locate(files);
      const answer = path === undefined ? undefined : database.read(files, path);
      if (answer && (answer.status !== 'ok' || answer.value.count > 0)) return answer;
      empty ??= answer;
    }
    return empty ?? absent('No dpkg, apk, pacman or rpm database');
  };
}

/** The format of the first database found, for systems whose name tells nothing. */
export function packageFormatOnDisk(files: GuestFiles): PackageFormat | null {
  return DATABASES.find((database) => database.locate(files) !== undefined)?.format ?? null;
}

function firstExisting(files: GuestFiles, paths: readonly string[]): string | undefined {
  return paths.find((path) => files.file(path) !== undefined);
}

function listOf(manager: PackageManager, packages: readonly InstalledPackage[]): Answer<PackageList> {
  const installed = packages.filter(isInstalled);
  const list: PackageList = {
    count: installed.length,
    manager,
    packages: installed.map(({ name }) => name),
    installed,
    incomplete: packages.filter((known) => !isInstalled(known) && known.status !== 'not-installed'),
  };
  if (packages.length < MAX_PACKAGES) return ok(list);
  return { status: 'truncated', reason: `Only the first ${MAX_PACKAGES} packages were read`, value: list };
}

function readDpkg(files: GuestFiles): readonly InstalledPackage[] {
  const texts = [
    files.readText(DPKG_STATUS, MAX_DATABASE_BYTES),
    ...files
      .names(DPKG_STATUS_FOLDER)
      .filter((name) => !name.endsWith('.md5sums'))
      .map((name) => files.readTextOrNote(`${DPKG_STATUS_FOLDER}/${name}`)),
  ];
  return texts.flatMap((text) => parseDpkgStatus(text ?? ''));
}

function readPacman(files: GuestFiles): readonly InstalledPackage[] {
  return files
    .names(PACMAN_LOCAL)
    .filter((name) => name !== 'ALPM_DB_VERSION')
    .flatMap((name) => {
      const path = `${PACMAN_LOCAL}/${name}/desc`;
      const text = files.readTextOrNote(path);
      const described = parsePacmanDesc(text ?? '');
      if (!described) files.note(`Cannot read '${path}': it names no package and version`);
      return described ? [described] : [];
    });
}
