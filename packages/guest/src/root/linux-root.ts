import type { FileTree } from '@guestkit/disk';

// What makes a filesystem the root of a Linux system. A separate /usr is not mounted yet, so links are looked at, not followed.

const NAMES_ITSELF = [
  '/etc/os-release',
  '/usr/lib/os-release',
  '/etc/lsb-release',
  '/etc/debian_version',
  '/etc/redhat-release',
  '/etc/system-release',
  '/etc/alpine-release',
  '/etc/SuSE-release',
  '/etc/arch-release',
  '/etc/gentoo-release',
  '/etc/slackware-version',
] as const;
const STARTS = ['/sbin/init', '/init', '/usr/sbin/init', '/usr/lib/systemd/systemd', '/lib/systemd/systemd'] as const;
const SETTLED = ['/etc/fstab', '/etc/passwd', '/etc/hosts'] as const;
const PROGRAMS = ['/bin', '/usr', '/sbin'] as const;

/** How much speaks for a Linux root: 0 is none, more is better. */
export function linuxRootEvidence(tree: FileTree): number {
  if (!tree.exists('/etc') || !any(tree, PROGRAMS)) return 0;
  const named = any(tree, NAMES_ITSELF);
  const settled = any(tree, SETTLED);
  // an /etc with neither is somebody's copy of a configuration
  if (!named && !settled) return 0;
  return [named, settled, any(tree, STARTS), tree.exists('/etc/fstab')].filter(Boolean).length;
}

function any(tree: FileTree, paths: readonly string[]): boolean {
  return paths.some((path) => tree.findLink(path) !== undefined);
}
