// What follows from a distribution's name. Ids are those of os-release(5); names are the ones of libguestfs and virt-inspector.

/** Named as libguestfs names package formats. */
export type PackageFormat = 'deb' | 'rpm' | 'apk' | 'pacman' | 'ebuild' | 'xbps' | 'pisi';
export type PackageManagement =
  | 'apt'
  | 'dnf'
  | 'yum'
  | 'up2date'
  | 'zypper'
  | 'urpmi'
  | 'apk'
  | 'pacman'
  | 'portage'
  | 'xbps'
  | 'pisi';

// distributions that virt-inspector spells otherwise than os-release does; all others keep their id
const NAMES = new Map([
  ['alpine', 'alpinelinux'],
  ['arch', 'archlinux'],
  ['kali', 'kalilinux'],
  ['ol', 'oraclelinux'],
  ['opensuse-leap', 'opensuse'],
  ['opensuse-tumbleweed', 'opensuse'],
  ['opensuse-microos', 'opensuse'],
  ['pld', 'pldlinux'],
  ['scientific', 'scientificlinux'],
  ['sled', 'sles'],
  ['sles_sap', 'sles'],
  ['void', 'voidlinux'],
]);

const FORMATS: Readonly<Record<PackageFormat, readonly string[]>> = {
  deb: ['debian', 'ubuntu', 'kali', 'linuxmint', 'raspbian', 'deepin', 'uos', 'pureos', 'devuan', 'astra'],
  rpm: [
    ...[
      'fedora',
      'rhel',
      'centos',
      'rocky',
      'almalinux',
      'ol',
      'scientific',
      'amzn',
      'cloudlinux',
      'eurolinux',
      'miraclelinux',
    ],
    ...[
      'suse',
      'opensuse',
      'opensuse-leap',
      'opensuse-tumbleweed',
      'opensuse-microos',
      'sles',
      'sled',
      'sles_sap',
      'suse-microos',
    ],
    ...[
      'mageia',
      'mandriva',
      'openmandriva',
      'altlinux',
      'pclinuxos',
      'openeuler',
      'photon',
      'mariner',
      'azurelinux',
      'meego',
    ],
    ...[
      'virtuozzo',
      'xenenterprise',
      'xcp-ng',
      'tencentos',
      'neokylin',
      'redhat-based',
      'suse-based',
      'clearos',
      'kvmibm',
    ],
  ],
  apk: ['alpine', 'postmarketos', 'wolfi', 'chimera'],
  pacman: ['arch', 'manjaro', 'steamos', 'artix', 'kaos', 'garuda', 'cachyos', 'blackarch', 'blendos'],
  ebuild: ['gentoo', 'funtoo'],
  xbps: ['void'],
  pisi: ['pardus', 'pisilinux'],
};

const FORMAT_OF_ID = new Map(
  (Object.keys(FORMATS) as PackageFormat[]).flatMap((format) => FORMATS[format].map((id) => [id, format] as const)),
);

const MANAGEMENT_OF_FORMAT: Readonly<Record<Exclude<PackageFormat, 'rpm'>, PackageManagement>> = {
  deb: 'apt',
  apk: 'apk',
  pacman: 'pacman',
  ebuild: 'portage',
  xbps: 'xbps',
  pisi: 'pisi',
};

// who does not follow the versions of RHEL in what stands on top of rpm
const RPM_MANAGEMENT = new Map<string, PackageManagement>([
  ['suse', 'zypper'],
  ['opensuse', 'zypper'],
  ['sles', 'zypper'],
  ['suse-based', 'zypper'],
  ['suse-microos', 'zypper'],
  ['mageia', 'urpmi'],
  ['mandriva', 'urpmi'],
  ['altlinux', 'apt'],
  ['pclinuxos', 'apt'],
  ['openmandriva', 'dnf'],
  ['photon', 'dnf'],
  ['mariner', 'dnf'],
  ['azurelinux', 'dnf'],
  ['meego', 'yum'],
  ['tencentos', 'dnf'],
  ['kvmibm', 'yum'],
]);

// the first major version with dnf, and with yum, where it is not the one of RHEL (8 and 5)
const FIRST_DNF = new Map([
  ['fedora', 22],
  ['amzn', 2022],
]);
const FIRST_YUM = new Map([
  ['fedora', 1],
  ['amzn', 1],
]);

/** The name that virt-inspector gives a distribution with this os-release id. */
export function distributionName(id: string): string {
  return NAMES.get(id) ?? id;
}

/** By the distribution itself, else by the first of those it is like. */
export function packageFormatOf(id: string, idLike: readonly string[]): PackageFormat | null {
  for (const known of [id, ...idLike]) {
    const format = FORMAT_OF_ID.get(known);
    if (format) return format;
  }
  return null;
}

export function packageManagementOf(
  format: PackageFormat | null,
  id: string,
  idLike: readonly string[],
  majorVersion: number | null,
): PackageManagement | null {
  if (format === null) return null;
  if (format !== 'rpm') return MANAGEMENT_OF_FORMAT[format];
  for (const known of [id, ...idLike]) {
    const management = RPM_MANAGEMENT.get(distributionName(known));
    if (management) return management;
  }
  if (majorVersion === null) return 'dnf';
  if (majorVersion >= (FIRST_DNF.get(id) ?? 8)) return 'dnf';
  return majorVersion >= (FIRST_YUM.get(id) ?? 5) ? 'yum' : 'up2date';
}
