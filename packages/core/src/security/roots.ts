import { realpathSync } from 'node:fs';
import path from 'node:path';

/** A folder that the operator opened to clients: as configured, and where it really is. */
export interface Root {
  readonly named: string;
  readonly real: string;
}

// not files of anybody, whatever the roots say
const NEVER = ['/dev', '/proc', '/sys'];

/** The roots that exist. */
export function resolveRoots(folders: readonly string[]): readonly Root[] {
  return folders.flatMap((folder) => {
    const named = path.resolve(folder);
    const real = realPathOf(named);
    return real === undefined ? [] : [{ named, real }];
  });
}

/** The absolute paths that a client's path may mean. Empty when it cannot lie within the roots. */
export function candidates(roots: readonly Root[], clientPath: string): readonly string[] {
  // ".." is refused rather than resolved: after a symlink it means another place than it seems
  if (clientPath === '' || clientPath.includes('\0') || clientPath.split('/').includes('..')) return [];
  if (!path.isAbsolute(clientPath)) return roots.map(({ named }) => path.join(named, clientPath));
  const absolute = path.normalize(clientPath);
  return roots.some(({ named, real }) => isBelow(named, absolute) || isBelow(real, absolute)) ? [absolute] : [];
}

/** Whether a path free of symlinks lies within a root. */
export function isWithin(roots: readonly Root[], real: string): boolean {
  return !NEVER.some((folder) => isBelow(folder, real)) && roots.some((root) => isBelow(root.real, real));
}

export function realPathOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    // missing, a loop of symlinks, or not ours to look at: all the same to a client
    return undefined;
  }
}

function isBelow(folder: string, file: string): boolean {
  return file === folder || file.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
