export {
  type Answer,
  absent,
  type Collected,
  type Collector,
  collect,
  ok,
  type Shortfall,
  unsupported,
} from './collected.ts';
export { GuestFiles } from './guest-files.ts';
export { type FstabEntry, parseFstab } from './linux/fstab.ts';
export { type OsRelease, parseOsRelease } from './linux/os-release.ts';
export { parseDpkgStatus } from './linux/packages/dpkg.ts';
export type { InstalledPackage, PackageManager } from './linux/packages/package.ts';
export { cleanText } from './text.ts';
