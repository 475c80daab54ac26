import { type Answer, ok } from '../../collected.ts';
import type { GuestFiles } from '../../guest-files.ts';

/** Modules that the guest's configuration loads at boot, and those it keeps out. */
export interface KernelModules {
  readonly count: number;
  readonly modules: readonly string[];
  readonly blacklisted: readonly string[];
}

// highest priority first: a file of the same name hides those below
const ROOTS = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'] as const;

export function readKernelModules(files: GuestFiles): Answer<KernelModules> {
  const loaded = [...lines(files.readText('/etc/modules')), ...configuration(files, 'modules-load.d')];
  // Debian's /etc/modules allows options behind the name
  const modules = unique(loaded.map((line) => line.split(/\s+/)[0] ?? ''));
  return ok({
    count: modules.length,
    modules,
    blacklisted: unique(configuration(files, 'modprobe.d').flatMap(blacklistedBy)),
  });
}

function configuration(files: GuestFiles, folder: string): readonly string[] {
  const paths = new Map<string, string>();
  for (const root of ROOTS) {
    for (const name of files.names(`${root}/${folder}`)) {
      if (name.endsWith('.conf') && !paths.has(name)) paths.set(name, `${root}/${folder}/${name}`);
    }
  }
  return [...paths.values()].flatMap((path) => lines(files.readTextOrNote(path)));
}

function lines(text = ''): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'));
}

/** modprobe.d(5): `blacklist NAME`, or an install command that does nothing. */
function blacklistedBy(line: string): readonly string[] {
  const [command, name, action = ''] = line.split(/\s+/);
  if (!name) return [];
  if (command === 'blacklist') return [name];
  return command === 'install' && /\/(true|false)$/.test(action) ? [name] : [];
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].filter((name) => name !== '').sort();
}
