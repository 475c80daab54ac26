import type { GuestFiles } from '../../guest-files.ts';
import { parseShellAssignments } from '../shell-assignments.ts';

// os-release(5): the first file that exists counts, the other is its fallback, never merged
const OS_RELEASE_PATHS = ['/etc/os-release', '/usr/lib/os-release'] as const;

/** os-release(5), with our names; what the file does not say is `null`. */
export interface OsRelease {
  readonly id: string;
  readonly id_like: readonly string[];
  readonly name: string | null;
  readonly pretty_name: string | null;
  readonly version_text: string | null;
  readonly version_id: string | null;
  readonly codename: string | null;
  readonly variant: string | null;
  readonly variant_id: string | null;
  readonly build_id: string | null;
  readonly cpe_name: string | null;
  readonly support_end: string | null;
}

export function readOsRelease(files: GuestFiles): OsRelease | undefined {
  for (const path of OS_RELEASE_PATHS) {
    const text = files.readText(path);
    if (text !== undefined) return parseOsRelease(text);
  }
  return undefined;
}

export function parseOsRelease(text: string): OsRelease {
  const fields = parseShellAssignments(text);
  const field = (name: string) => fields.get(name) || null;
  return {
    id: (field('ID') ?? 'linux').toLowerCase(),
    id_like: words(fields.get('ID_LIKE')?.toLowerCase()),
    name: field('NAME'),
    pretty_name: field('PRETTY_NAME'),
    version_text: field('VERSION'),
    version_id: field('VERSION_ID'),
    codename: field('VERSION_CODENAME') ?? field('UBUNTU_CODENAME') ?? field('DEBIAN_CODENAME'),
    variant: field('VARIANT'),
    variant_id: field('VARIANT_ID'),
    build_id: field('BUILD_ID'),
    cpe_name: field('CPE_NAME'),
    support_end: field('SUPPORT_END'),
  };
}

function words(text = ''): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
