/** Which package database: named as libguestfs names package formats. */
export type PackageManager = 'dpkg' | 'apk' | 'pacman' | 'rpm';

/** More than any system has; beyond it a database is not read on. */
export const MAX_PACKAGES = 200_000;

/** A package as its database describes it; `null` is what the database does not say. */
export interface InstalledPackage {
  readonly name: string;
  /** As the database writes it, epoch and revision included. */
  readonly version: string;
  readonly architecture: string | null;
  /** The source package this was built from. */
  readonly source: string | null;
  readonly section: string | null;
  readonly maintainer: string | null;
  readonly installed_size_bytes: number | null;
  readonly essential: boolean;
  /** `installed`, or what came in the way: `config-files`, `half-configured` … */
  readonly status: string;
}
