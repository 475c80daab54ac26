import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { type FileStamp, sameFile, stampFrom } from './file-stamp.ts';
import { PathError, type PathErrorKind } from './path-error.ts';
import { candidates, isWithin, type Root, realPathOf, resolveRoots } from './roots.ts';

/** A file opened for reading. Whoever asked for it closes `fd`. */
export interface GuardedFile {
  readonly fd: number;
  /** Free of symlinks. For the host's eyes only. */
  readonly path: string;
  readonly stamp: FileStamp;
}

// a pipe must not block us, nor a terminal become ours, in the moment before either is refused
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a regular file that a client names, absolute or relative to a root, if it really lies within the roots (rules R4, R15).
 * @throws PathError
 */
export function openWithin(folders: readonly string[], clientPath: string): GuardedFile {
  const roots = resolveRoots(folders);
  const real = locate(roots, clientPath);
  const expected = lstatSync(real, { bigint: true, throwIfNoEntry: false });
  if (expected === undefined) throw refusal('not-found', clientPath);
  if (!expected.isFile()) throw refusal('not-a-file', clientPath);
  return openChecked(roots, clientPath, { real, expected });
}

function locate(roots: readonly Root[], clientPath: string): string {
  const named = candidates(roots, clientPath);
  if (named.length === 0) throw refusal('denied', clientPath);
  const found = named.map(realPathOf).filter((real) => real !== undefined);
  const [real] = found.filter((path) => isWithin(roots, path));
  if (real !== undefined) return real;
  throw refusal(found.length > 0 ? 'denied' : 'not-found', clientPath);
}

interface Located {
  readonly real: string;
  readonly expected: BigIntStats;
}

function openChecked(roots: readonly Root[], clientPath: string, { real, expected }: Located): GuardedFile {
  const fd = open(real, clientPath);
  try {
    const actual = fstatSync(fd, { bigint: true });
    // a folder on the way may have been replaced by a symlink since it was looked at
    const moved = !actual.isFile() || !sameFile(actual, expected) || !isWithin(roots, pathOfOpen(fd, real));
    if (moved) throw refusal('denied', clientPath);
    return { fd, path: real, stamp: stampFrom(actual) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(real: string, clientPath: string): number {
  try {
    return openSync(real, OPEN_FLAGS);
  } catch (error) {
    throw refusal(kindOf(error), clientPath, error);
  }
}

/** Where the opened file is by the kernel's own account; without that, where its path leads now. */
function pathOfOpen(fd: number, real: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return realPathOf(real) ?? '';
  }
}

const KIND_OF_CODE: Readonly<Record<string, PathErrorKind>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  // the last component became a symlink
  ELOOP: 'denied',
  // a socket, or a device that nothing drives
  ENXIO: 'not-a-file',
  ENODEV: 'not-a-file',
};

function kindOf(error: unknown): PathErrorKind {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return KIND_OF_CODE[code] ?? 'io';
}

const REASONS: Readonly<Record<PathErrorKind, string>> = {
  denied: 'it is outside the allowed folders',
  'not-found': 'there is no such file',
  'not-a-file': 'it is not a regular file',
  io: 'the storage refused it',
};

function refusal(kind: PathErrorKind, clientPath: string, cause?: unknown): PathError {
  return new PathError(kind, clientPath, `Cannot open "${clientPath}": ${REASONS[kind]}`, { cause });
}
