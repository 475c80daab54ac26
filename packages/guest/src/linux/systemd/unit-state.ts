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
  const units = [...unitPaths(files, folders)].map(([name, path]) => unitAt(files, name, path, { config, runtime }));
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

function unitPaths(files: GuestFiles, folders: readonly string[]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const folder of folders) {
    for (const name of files.names(folder)) {
      if (isUnitName(name) && !paths.has(name)) paths.set(name, `${folder}/${name}`);
    }
  }
  return paths;
}

interface EnablingLinks {
  readonly config: readonly EnablingLink[];
  readonly runtime: readonly EnablingLink[];
}

function unitAt(files: GuestFiles, name: string, path: string, links: EnablingLinks): SystemdUnit {
  const target = files.readlink(path);
  const unit = { name, path, alias_of: null, description: null };
  if (target === '/dev/null') return { ...unit, state: 'masked' };
  if (target !== undefined && baseName(target) !== name) return { ...unit, state: 'alias', alias_of: baseName(target) };
  const text = files.readTextOrNote(path, MAX_UNIT_FILE_BYTES);
  if (text === '') return { ...unit, state: 'masked' };
  const file = parseUnitFile(text ?? '');
  return { ...unit, state: stateOf(name, file, links, target), description: file.description };
}

function stateOf(name: string, file: UnitFile, links: EnablingLinks, target: string | undefined): UnitFileState {
  if (links.config.some((link) => enables(link, name, file))) return 'enabled';
  if (links.runtime.some((link) => enables(link, name, file))) return 'enabled-runtime';
  // a link of the same name to a file outside of the load path
  if (target !== undefined && !UNIT_FOLDERS.some((folder) => target.startsWith(`${folder}/`))) return 'linked';
  if (file.installable) return 'disabled';
  return file.enablesOthers ? 'indirect' : 'static';
}

function enables(link: EnablingLink, name: string, file: UnitFile): boolean {
  if (!link.alias) return link.name === name || link.target === name;
  return link.target === name && link.name !== name && isKnownName(link.name, name, file);
}

/** An alias counts as enablement only when [Install] names it: Alias=, or the default instance of a template. */
function isKnownName(linkName: string, name: string, file: UnitFile): boolean {
  if (file.aliases.includes(linkName)) return true;
  return file.defaultInstance !== null && linkName === name.replace('@.', `@${file.defaultInstance}.`);
}

function enablingLinks(files: GuestFiles, folder: string): readonly EnablingLink[] {
  return files.names(folder).flatMap((name) => {
    if (isDependencyFolder(name)) return linksIn(files, `${folder}/${name}`, false);
    return linkAt(files, `${folder}/${name}`, true);
  });
}

function isDependencyFolder(name: string): boolean {
  return name.endsWith('.wants') || name.endsWith('.requires') || name.endsWith('.upholds');
}

function linksIn(files: GuestFiles, folder: string, alias: boolean): readonly EnablingLink[] {
  return files.names(folder).flatMap((name) => linkAt(files, `${folder}/${name}`, alias));
}

function linkAt(files: GuestFiles, path: string, alias: boolean): readonly EnablingLink[] {
  const target = files.readlink(path);
  const name = baseName(path);
  return target === undefined || !isUnitName(name) ? [] : [{ name, target: baseName(target), alias }];
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
