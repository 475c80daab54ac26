import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { type FileStamp, stampFrom } from './file-stamp.ts';
import { PathError, type PathErrorKind } from './path-error.ts';
import { candidates, isWithin, type Root, realPathOf, resolveRoots } from './roots.ts';

/** A place where a file may be written. */
export interface OutputPlace {
  /** In a folder that exists and whose path is free of symlinks. */
  readonly path: string;
  /** The file that would be replaced: it must not be an image that is read. */
  readonly replaces: FileStamp | undefined;
}

/**
 * Finds the place that a client names, absolute or relative to the first root, and makes the folders it lacks.
 * @throws PathError
 */
export function resolveOutput(folders: readonly string[], destination: string): OutputPlace {
  const roots = makeRoots(folders, destination);
  const [named] = candidates(roots, destination);
  if (named === undefined || destination.endsWith('/')) throw refusal('denied', destination);
  const folder = makeFolder(roots, path.dirname(named), destination);
  const place = path.join(folder, path.basename(named));
  if (!isWithin(roots, place)) throw refusal('denied', destination);
  return { path: place, replaces: stampOfExisting(place, destination) };
}

function makeRoots(folders: readonly string[], destination: string): readonly Root[] {
  try {
    for (const folder of folders) mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw refusal('io', destination, error);
  }
  return resolveRoots(folders);
}

/** Makes what is missing one level at a time, each below a folder seen to be within the roots. */
function makeFolder(roots: readonly Root[], named: string, destination: string): string {
  const real = realPathOf(named);
  if (real !== undefined) {
    if (!isWithin(roots, real)) throw refusal('denied', destination);
    if (!isFolder(real)) throw refusal('not-a-file', destination);
    return real;
  }
  // a dangling symlink is not a folder to be made
  if (named === path.dirname(named) || exists(named)) throw refusal('denied', destination);
  const made = path.join(makeFolder(roots, path.dirname(named), destination), path.basename(named));
  makeOne(made, destination);
  return made;
}

function makeOne(folder: string, destination: string): void {
  try {
    // another job may be making the same one
    if (!exists(folder)) mkdirSync(folder);
  } catch (error) {
    if (!isFolder(folder)) throw refusal('io', destination, error);
  }
}

function stampOfExisting(place: string, destination: string): FileStamp | undefined {
  const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw refusal('not-a-file', destination);
  return stampFrom(stats);
}

function isFolder(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

const REASONS: Readonly<Record<PathErrorKind, string>> = {
  denied: 'it is outside the folders for results',
  'not-found': 'there is no such folder',
  'not-a-file': 'something that is not a regular file is in its place',
  io: 'its folder cannot be made',
};

function refusal(kind: PathErrorKind, destination: string, cause?: unknown): PathError {
  return new PathError(kind, destination, `Cannot write "${destination}": ${REASONS[kind]}`, { cause });
}
