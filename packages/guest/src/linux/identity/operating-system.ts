import { type Answer, absent, ok } from '../../collected.ts';
import type { GuestFiles } from '../../guest-files.ts';
import { packageFormatOnDisk } from '../packages/packages.ts';
import {
  distributionName,
  type PackageFormat,
  type PackageManagement,
  packageFormatOf,
  packageManagementOf,
} from './distributions.ts';
import { type OsRelease, readOsRelease } from './os-release.ts';
import { type Release, readDerivative, readReleaseFile, readVersionFile } from './release-file.ts';
import { parseVersion, type Version } from './version.ts';

/** What a Linux system says it is. `null` is what it does not say. */
export interface LinuxIdentity {
  readonly type: 'linux';
  /** As libguestfs and virt-inspector name it: `debian`, `alpinelinux`, `rhel` … or the os-release id; `unknown` without any. */
  readonly distribution: string;
  readonly product_name: string | null;
  /** `major.minor`; `null` on rolling releases. */
  readonly version: string | null;
  readonly major_version: number | null;
  readonly minor_version: number | null;
  readonly package_format: PackageFormat | null;
  readonly package_management: PackageManagement | null;
  /** The fields of os-release(5) as the guest spells them. */
  readonly id: string | null;
  readonly id_like: readonly string[];
  readonly name: string | null;
  readonly version_id: string | null;
  readonly codename: string | null;
  readonly variant: string | null;
  readonly variant_id: string | null;
  readonly build_id: string | null;
  readonly cpe_name: string | null;
  readonly support_end: string | null;
}

// os-release of these knows only the major version, another file all of it
const PRECISE_VERSION_FILES = new Map([
  ['debian', '/etc/debian_version'],
  ['raspbian', '/etc/debian_version'],
  ['centos', '/etc/centos-release'],
]);

/** Identifies a Linux system; `absent` when nothing in it names a distribution. */
export function identifyLinux(files: GuestFiles): Answer<LinuxIdentity> {
  const osRelease = readOsRelease(files);
  const namesItself = osRelease !== undefined && osRelease.id !== 'linux';
  const release = namesItself ? readDerivative(files, osRelease.id) : readReleaseFile(files);
  if (!osRelease && !release) return absent('No os-release or other release file names a distribution');
  const id = release?.id ?? osRelease?.id ?? 'linux';
  const version = release?.version ?? versionOf(files, id, osRelease);
  const identity = describe(id, osRelease, release, version);
  return ok({ ...identity, package_format: identity.package_format ?? packageFormatOnDisk(files) });
}

/** A Linux system of which nothing is known but that it is one. */
export const UNKNOWN_LINUX: LinuxIdentity = describe('unknown', undefined, undefined, null);

function versionOf(files: GuestFiles, id: string, osRelease: OsRelease | undefined): Version | null {
  const version = parseVersion(osRelease?.version_id ?? osRelease?.version_text);
  const file = PRECISE_VERSION_FILES.get(id);
  if (version?.minor !== 0 || !file) return version;
  const precise = readVersionFile(files, file);
  return precise?.major === version.major ? precise : version;
}

function describe(
  id: string,
  osRelease: OsRelease | undefined,
  release: Release | undefined,
  version: Version | null,
): LinuxIdentity {
  const idLike = osRelease?.id_like ?? [];
  const format = packageFormatOf(id, idLike);
  return {
    type: 'linux',
    distribution: distributionName(id),
    product_name: release?.product_name ?? osRelease?.pretty_name ?? osRelease?.name ?? null,
    version: version?.text ?? null,
    major_version: version?.major ?? null,
    minor_version: version?.minor ?? null,
    package_format: format,
    package_management: packageManagementOf(format, id, idLike, version?.major ?? null),
    id: osRelease?.id ?? null,
    id_like: idLike,
    name: osRelease?.name ?? null,
    version_id: osRelease?.version_id ?? null,
    codename: release?.codename ?? osRelease?.codename ?? null,
    variant: osRelease?.variant ?? null,
    variant_id: osRelease?.variant_id ?? null,
    build_id: osRelease?.build_id ?? null,
    cpe_name: osRelease?.cpe_name ?? null,
    support_end: osRelease?.support_end ?? null,
  };
}
