import { type Answer, absent, ok } from '../../collected.ts';
import { matchesGlob } from '../../glob.ts';
import type { GuestFiles } from '../../guest-files.ts';
import { bzImageVersion } from './bzimage.ts';
import { compareVersions } from './version-order.ts';

/** A kernel that the guest could boot. */
export interface Kernel {
  /** As `uname -r` would print it. */
  readonly version: string;
  readonly path: string;
  readonly initrd: string | null;
  /** Its folder of modules. */
  readonly modules: string | null;
}

export interface Kernels {
  readonly count: number;
  /** Versions, newest first. */
  readonly installed: readonly string[];
  readonly kernels: readonly Kernel[];
  /** Version of the kernel that boots when nobody chooses; `null` when there is none. */
  readonly default: string | null;
  /** Where that is said, or `newest version` when nothing says it. */
  readonly default_source: string | null;
  /** Versions with modules but without a kernel. */
  readonly modules_only: readonly string[];
}

const IMAGE_NAME = /^(?:vmlinuz|vmlinux|bzImage|Image|image|kernel)(?:-(.+))?$/;
// debug copies and checksums beside the image
const NOT_AN_IMAGE = /\.(?:gz|xz|zst|hmac|old|bak|sig|efi\.signed)$/;
const MAX_IMAGES = 500;
const MODULES_FOLDERS = ['/usr/lib/modules', '/lib/modules'] as const;
const GRUB_ENVIRONMENTS = ['/boot/grub2/grubenv', '/boot/grub/grubenv'] as const;
const LOADER_FOLDERS = ['/boot/loader', '/efi/loader', '/boot/efi/loader'] as const;

export function readKernels(files: GuestFiles): Answer<Kernels> {
  const modules = moduleFolders(files);
  const kernels = bootImages(files, modules).sort((a, b) => compareVersions(b.version, a.version));
  if (kernels.length === 0 && modules.size === 0) return absent("No kernel in '/boot' and no modules");
  const booted = new Set(kernels.map(({ version }) => version));
  return ok({
    count: kernels.length,
    installed: kernels.map(({ version }) => version),
    kernels,
    ...defaultKernel(files, kernels),
    modules_only: [...modules.keys()].filter((version) => !booted.has(version)).sort(compareVersions),
  });
}

function moduleFolders(files: GuestFiles): Map<string, string> {
  const folders = new Map<string, string>();
  for (const base of MODULES_FOLDERS) {
    for (const version of files.names(base)) {
      if (!folders.has(version) && files.isDirectory(`${base}/${version}`)) folders.set(version, `${base}/${version}`);
    }
  }
  return folders;
}

function bootImages(files: GuestFiles, modules: ReadonlyMap<string, string>): Kernel[] {
  const names = files.names('/boot');
  const images = names.filter((name) => IMAGE_NAME.test(name) && !NOT_AN_IMAGE.test(name)).slice(0, MAX_IMAGES);
  const present = new Set(names);
  const kernels = new Map<string, Kernel>();
  for (const name of images) {
    const kernel = kernelAt(files, name, present, modules);
    // vmlinux, the uncompressed copy, sorts before vmlinuz, which replaces it here
    if (kernel) kernels.set(kernel.version, kernel);
  }
  return [...kernels.values()];
}

function kernelAt(
  files: GuestFiles,
  name: string,
  present: ReadonlySet<string>,
  modules: ReadonlyMap<string, string>,
): Kernel | undefined {
  const path = `/boot/${name}`;
  const suffix = IMAGE_NAME.exec(name)?.[1];
  const image = files.tree.findLink(path);
  // a link is another name of an image that is listed itself
  if (image?.stat.type !== 'file') return undefined;
  const version = versionOf(files, path, suffix, modules);
  const initrd = initrdOf(present, suffix, version);
  return { version, path, initrd: initrd ? `/boot/${initrd}` : null, modules: modules.get(version) ?? null };
}

/** The name says the version, unless it says a flavour only (`vmlinuz-lts`, `vmlinuz-linux`): then the image itself does. */
function versionOf(files: GuestFiles, path: string, suffix = '', modules: ReadonlyMap<string, string>): string {
  if (modules.has(suffix) || /^\d+\.\d+/.test(suffix)) return suffix;
  const image = files.file(path);
  const inside = image && files.orNote(path, () => bzImageVersion(image.open()));
  return inside ?? ([...modules.keys()].find((version) => version.endsWith(`-${suffix}`)) || suffix || 'unknown');
}

/** initramfs-tools, dracut, mkinitcpio, mkinitfs and their neighbours name it after the version or the flavour. */
function initrdOf(present: ReadonlySet<string>, suffix: string | undefined, version: string): string | undefined {
  const keys = suffix === undefined ? [version] : [suffix, version];
  const spellings = keys.flatMap((key) => [
    `initrd.img-${key}`,
    `initramfs-${key}.img`,
    `initramfs-${key}`,
    `initrd-${key}.img`,
    `initrd-${key}`,
    `initramfs.img-${key}`,
  ]);
  return [...spellings, 'initrd.img', 'initrd'].find((spelling) => present.has(spelling));
}

type Choice = Pick<Kernels, 'default' | 'default_source'>;

function defaultKernel(files: GuestFiles, kernels: readonly Kernel[]): Choice {
  const newest = kernels.find(({ version }) => !version.includes('rescue'));
  const fallback = newest
    ? { default: newest.version, default_source: 'newest version' }
    : { default: null, default_source: null };
  return savedEntry(files, kernels) ?? loaderEntry(files, kernels) ?? fallback;
}

/** grub-set-default and grub2-reboot's neighbour: `saved_entry` of the GRUB environment block. */
function savedEntry(files: GuestFiles, kernels: readonly Kernel[]): Choice | undefined {
  for (const path of GRUB_ENVIRONMENTS) {
    const saved = /^saved_entry=(.+)$/m.exec(files.readText(path) ?? '')?.[1];
    const version = saved && versionIn(saved, kernels);
    if (version) return { default: version, default_source: path };
  }
  return undefined;
}

/** Boot Loader Specification, type 1: the entry that loader.conf names, else the first in descending order. */
function loaderEntry(files: GuestFiles, kernels: readonly Kernel[]): Choice | undefined {
  for (const folder of LOADER_FOLDERS) {
    const entries = files.names(`${folder}/entries`).filter((name) => name.endsWith('.conf'));
    const pattern = /^default\s+(\S+)/m.exec(files.readText(`${folder}/loader.conf`) ?? '')?.[1];
    const ordered = entries.filter((name) => !name.includes('rescue')).sort((a, b) => compareVersions(b, a));
    const chosen = ordered.find((name) => pattern && matchesEntry(pattern, name)) ?? ordered[0];
    const path = `${folder}/entries/${chosen}`;
    const version = chosen && versionIn(files.readTextOrNote(path) ?? '', kernels);
    if (version) return { default: version, default_source: path };
  }
  return undefined;
}

function matchesEntry(pattern: string, name: string): boolean {
  return matchesGlob(pattern, name) || matchesGlob(pattern, name.slice(0, -'.conf'.length));
}

/** The longest version that stands in the text: `6.1.0-1` stands in `6.1.0-18` too. */
function versionIn(text: string, kernels: readonly Kernel[]): string | undefined {
  return kernels
    .map(({ version }) => version)
    .filter((version) => text.includes(version))
    .sort((a, b) => b.length - a.length)[0];
}
