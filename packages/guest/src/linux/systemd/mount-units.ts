import type { FileTree } from '@guestkit/disk';
import type { FstabEntry } from '../fstab.ts';
import { iniValue, parseIni } from '../ini.ts';

// Mounts that units ask for beside fstab: systemd.mount(5).

const ADMINISTRATOR = '/etc/systemd/system';
const VENDOR = ['/usr/lib/systemd/system', '/lib/systemd/system'] as const;
const MAX_UNITS = 256;
const MAX_UNIT_BYTES = 64 * 1024;

export interface MountUnits {
  /** Of the distribution: a line of fstab for the same place wins over them. */
  readonly vendor: readonly FstabEntry[];
  /** Of the administrator: they win over fstab. */
  readonly administrator: readonly FstabEntry[];
}

/** The mounts that are wanted at boot: a unit that nothing wants is not mounted. */
export function readMountUnits(tree: FileTree): MountUnits {
  const wanted = wantedUnits(tree);
  const read = (folder: string) =>
    mountUnitsIn(tree, folder)
      .filter((name) => wanted.has(name))
      .flatMap((name) => parseMountUnit(tree.readText(`${folder}/${name}`, MAX_UNIT_BYTES) ?? ''));
  const vendor = VENDOR.find((folder) => tree.exists(folder));
  return { vendor: vendor === undefined ? [] : read(vendor), administrator: read(ADMINISTRATOR) };
}

function wantedUnits(tree: FileTree): ReadonlySet<string> {
  const folders = [ADMINISTRATOR, ...VENDOR].flatMap((folder) =>
    tree
      .names(folder)
      .filter((name) => name.endsWith('.wants') || name.endsWith('.requires'))
      .map((name) => `${folder}/${name}`),
  );
  return new Set(folders.flatMap((folder) => mountUnitsIn(tree, folder)));
}

function mountUnitsIn(tree: FileTree, folder: string): readonly string[] {
  return tree
    .names(folder)
    .filter((name) => name.endsWith('.mount'))
    .slice(0, MAX_UNITS);
}

export function parseMountUnit(text: string): readonly FstabEntry[] {
  const sections = parseIni(text);
  const value = (key: string) => iniValue(sections, 'Mount', key);
  const spec = value('What');
  const mountpoint = value('Where');
  if (!spec || !mountpoint?.startsWith('/')) return [];
  const options = (value('Options') ?? 'defaults').split(',');
  return [{ spec, mountpoint, fstype: value('Type') ?? 'auto', options, dump: 0, pass: 0 }];
}
