import type { DirectoryEntry, FileNode } from '@guestkit/disk';
import type { GuestFiles } from '../../guest-files.ts';
import { parseUnitFile, type UnitFile } from './unit-file.ts';
import { isUnitName, templateOf } from './unit-name.ts';

// What `systemctl list-unit-files` would say on the running guest, from its files alone: systemd.unit(5), "unit file load path",
// and the rules of `systemctl is-enabled`.

/** The states of systemctl(1) that files can tell. */
export type UnitFileState =
  | 'enabled'
  | 'enabled-runtime'
  | 'disabled'
  | 'static'
  | 'indirect'
  | 'alias'
  | 'linked'
  | 'masked';

export interface SystemdUnit {
  readonly name: string;
  readonly state: UnitFileState;
  readonly path: string;
  /** The unit that an alias stands for. */
  readonly alias_of: string | null;
  readonly description: string | null;
}

/** Units of a guest, and what its administrator has enabled: instances of templates by their full names. */
export interface SystemdUnits {
  readonly count: number;
  /** Names only, as `unit_files` orders them. */
  readonly units: readonly string[];
  readonly enabled_units: readonly string[];
  readonly unit_files: readonly SystemdUnit[];
}

// highest priority first; a name found in one hides it in those below
const CONFIG_FOLDER = '/etc/systemd/system';
const RUNTIME_FOLDER = '/run/systemd/system';
const UNIT_FOLDERS = [
  CONFIG_FOLDER,
  RUNTIME_FOLDER,
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
] as const;

const MAX_UNIT_FILE_BYTES = 2 ** 20;

/** A symlink that enables something: its name, and the last part of its target. */
interface EnablingLink {
  readonly name: string;
  readonly target: string;
  /** Directly in the folder (an alias), not in a `.wants` or `.requires` folder of a unit. */
  readonly alias: boolean;
}

export function readSystemdUnits(files: GuestFiles): SystemdUnits {
  const folders = existingFolders(files);
  const config = folders.includes(CONFIG_FOLDER) ? enablingLinks(files, CONFIG_FOLDER) : [];
  const runtime = folders.includes(RUNTIME_FOLDER) ? enablingLinks(files, RUNTIME_FOLDER) : [];
  const links = { config: enablementBy(config), runtime: enablementBy(runtime) };
  const units = [...unitEntries(files, folders)].map(([path, entry]) => unitAt(files, path, entry, links));
  units.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    count: units.length,
    units: units.map(({ name }) => name),
    enabled_units: enabledNames(units, config),
    unit_files: units,
  };
}

/** Without /lib/systemd/system where it is /usr/lib/systemd/system by another name. */
function existingFolders(files: GuestFiles): readonly string[] {
  const seen = new Set<string>();
  return UNIT_FOLDERS.filter((folder) => {
    const real = files.isDirectory(folder) ? files.tree.realpath(folder) : undefined;
    if (real === undefined || seen.has(real)) return false;
    seen.add(real);
    return true;
  });
}

/** Units by the path that wins. */
function unitEntries(files: GuestFiles, folders: readonly string[]): Map<string, DirectoryEntry> {
  const seen = new Set<string>();
  const entries = new Map<string, DirectoryEntry>();
  for (const folder of folders) {
    for (const entry of files.entries(folder)) {
      if (!isUnitName(entry.name) || seen.has(entry.name)) continue;
      seen.add(entry.name);
      entries.set(`${folder}/${entry.name}`, entry);
    }
  }
  return entries;
}

interface EnablingLinks {
  readonly config: Enablement;
  readonly runtime: Enablement;
}

/** Links by what they enable, since guests may have very many. */
interface Enablement {
  /** Names and targets of the links in `.wants` folders and their like. */
  readonly wanted: ReadonlySet<string>;
  /** Names of the aliases of a unit. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
}

function enablementBy(links: readonly EnablingLink[]): Enablement {
  const dependencies = links.filter(({ alias }) => !alias);
  const aliases = Map.groupBy(
    links.filter(({ alias }) => alias),
    ({ target }) => target,
  );
  return {
    wanted: new Set(dependencies.flatMap(({ name, target }) => [name, target])),
    aliases: new Map([...aliases].map(([target, named]) => [target, named.map(({ name }) => name)])),
  };
}

function unitAt(files: GuestFiles, path: string, entry: DirectoryEntry, links: EnablingLinks): SystemdUnit {
  const { name } = entry;
  const unit = { name, path, alias_of: null, description: null };
  const target = files.orNote(path, () => targetOf(entry));
  if (target === '/dev/null') return { ...unit, state: 'masked' };
  if (target !== undefined && baseName(target) !== name) return { ...unit, state: 'alias', alias_of: baseName(target) };
  const text = unitText(files, path, target === undefined ? entry.node() : files.tree.find(path));
  if (text === '') return { ...unit, state: 'masked' };
  const file = parseUnitFile(text ?? '');
  return { ...unit, state: stateOf(name, file, links, target), description: file.description };
}

function unitText(files: GuestFiles, path: string, node: FileNode | undefined): string | undefined {
  if (node?.stat.type !== 'file') return undefined;
  const bytes = files.orNote(path, () => files.readNode(node, path, MAX_UNIT_FILE_BYTES));
  return bytes && new TextDecoder().decode(bytes);
}

function targetOf(entry: DirectoryEntry): string | undefined {
  if (entry.type !== undefined && entry.type !== 'symlink') return undefined;
  const node = entry.node();
  return node.stat.type === 'symlink' ? node.readlink() : undefined;
}

function stateOf(name: string, file: UnitFile, links: EnablingLinks, target: string | undefined): UnitFileState {
  if (enables(links.config, name, file)) return 'enabled';
  if (enables(links.runtime, name, file)) return 'enabled-runtime';
  // a link of the same name to a file outside of the load path
  if (target !== undefined && !UNIT_FOLDERS.some((folder) => target.startsWith(`${folder}/`))) return 'linked';
  if (file.installable) return 'disabled';
  return file.enablesOthers ? 'indirect' : 'static';
}

function enables(enablement: Enablement, name: string, file: UnitFile): boolean {
  if (enablement.wanted.has(name)) return true;
  return (enablement.aliases.get(name) ?? []).some((alias) => alias !== name && isKnownName(alias, name, file));
}

/** An alias counts as enablement only when [Install] names it: Alias=, or the default instance of a template. */
function isKnownName(linkName: string, name: string, file: UnitFile): boolean {
  if (file.aliases.includes(linkName)) return true;
  return file.defaultInstance !== null && linkName === name.replace('@.', `@${file.defaultInstance}.`);
}

function enablingLinks(files: GuestFiles, folder: string): readonly EnablingLink[] {
  return files.entries(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!isDependencyFolder(entry.name)) return linkAt(files, path, entry, true);
    return files.entries(path).flatMap((inner) => linkAt(files, `${path}/${inner.name}`, inner, false));
  });
}

function isDependencyFolder(name: string): boolean {
  return name.endsWith('.wants') || name.endsWith('.requires') || name.endsWith('.upholds');
}

function linkAt(files: GuestFiles, path: string, entry: DirectoryEntry, alias: boolean): readonly EnablingLink[] {
  const target = isUnitName(entry.name) ? files.orNote(path, () => targetOf(entry)) : undefined;
  return target === undefined ? [] : [{ name: entry.name, target: baseName(target), alias }];
}

/** Enabled units by name; in the place of a template those instances of it that are wanted. */
function enabledNames(units: readonly SystemdUnit[], config: readonly EnablingLink[]): readonly string[] {
  const masked = new Set(units.filter(({ state }) => state === 'masked').map(({ name }) => name));
  const wanted = config.filter(({ alias }) => !alias).map(({ name }) => name);
  const plain = units.filter(({ state, name }) => state === 'enabled' && !name.includes('@.')).map(({ name }) => name);
  const instances = wanted.filter((name) => templateOf(name) !== undefined);
  return [...new Set([...plain, ...instances])].filter((name) => !masked.has(name)).sort();
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
