import path from 'node:path';
import { encodeName, type FileType } from '@guestkit/disk';
import { printable } from '@guestkit/operations/report/printable';
import { print, write } from '../output/print.ts';
import { type FoundFile, walkFrom } from './file-entry.ts';
import type { SizeBounds } from './find-arguments.ts';
import type { TreeOptions } from './guestctl.ts';
import { renderListing, toListedEntry } from './ls.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

export interface FindOptions extends TreeOptions {
  readonly name?: string;
  readonly iname?: string;
  readonly path?: string;
  readonly type?: readonly FileType[];
  readonly size?: SizeBounds;
  readonly since?: Date;
  readonly until?: Date;
  readonly uid?: number;
  readonly gid?: number;
  readonly perm?: number;
  readonly maxDepth?: number;
  readonly long?: true;
  readonly print0?: true;
}

type Condition = (file: FoundFile) => boolean;

/** Prints what a walk finds while it finds it: there may be millions. */
export async function find(image: string, start: string, options: FindOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    const walk = {
      onUnreadable: unreadable.add,
      ...(options.maxDepth !== undefined && { maxDepth: options.maxDepth }),
    };
    const matches = matching(walkFrom(start, tree, walk), options);
    if (options.output === 'table' && options.long !== true) await printPaths(matches, options);
    else await print(options.output, [...entriesOf(matches, unreadable)], renderListing);
    unreadable.conclude(start);
  });
}

function* entriesOf(files: Iterable<FoundFile>, unreadable: Unreadable) {
  for (const file of files) yield toListedEntry(file, unreadable);
}

async function printPaths(files: Iterable<FoundFile>, { print0 }: FindOptions): Promise<void> {
  for (const paths of groupsOf(files)) {
    const lines = print0
      ? Buffer.concat(paths.flatMap((name) => [encodeName(name), NUL]))
      : paths.map((name) => `${printable(name)}\n`).join('');
    await write(process.stdout, lines);
  }
}

/** Paths by the hundred: a write for each would take longer than to find them. */
function* groupsOf(files: Iterable<FoundFile>): Generator<string[]> {
  let paths: string[] = [];
  for (const { path } of files) {
    paths.push(path);
    if (paths.length < 100) continue;
    yield paths;
    paths = [];
  }
  if (paths.length > 0) yield paths;
}

const NUL = Buffer.from([0]);

function* matching(files: Iterable<FoundFile>, options: FindOptions): Iterable<FoundFile> {
  const conditions = conditionsOf(options);
  for (const file of files) if (conditions.every((holds) => holds(file))) yield file;
}

function conditionsOf(options: FindOptions): readonly Condition[] {
  const { name, iname, path: whole, type, size, since, until, uid, gid, perm } = options;
  const fold = (text: string) => text.toLowerCase();
  return [
    name !== undefined && ((file: FoundFile) => path.posix.matchesGlob(baseOf(file), name)),
    iname !== undefined && ((file: FoundFile) => path.posix.matchesGlob(fold(baseOf(file)), fold(iname))),
    whole !== undefined && ((file: FoundFile) => path.posix.matchesGlob(file.path, whole)),
    type !== undefined && (({ node }: FoundFile) => type.includes(node.stat.type)),
    size !== undefined && (({ node }: FoundFile) => isWithin(node.stat.sizeBytes, size)),
    since !== undefined && ((file: FoundFile) => modifiedMs(file) >= since.getTime()),
    until !== undefined && ((file: FoundFile) => modifiedMs(file) < until.getTime()),
    uid !== undefined && (({ node }: FoundFile) => node.stat.uid === uid),
    gid !== undefined && (({ node }: FoundFile) => node.stat.gid === gid),
    perm !== undefined && (({ node }: FoundFile) => (node.stat.mode & perm) === perm),
  ].filter((condition) => condition !== false);
}

function baseOf({ path: whole }: FoundFile): string {
  return whole.slice(whole.lastIndexOf('/') + 1);
}

function isWithin(bytes: number, { least, most }: SizeBounds): boolean {
  return bytes >= least && bytes <= most;
}

function modifiedMs({ node }: FoundFile): number {
  const { seconds, nanoseconds } = node.stat.modifiedAt;
  return seconds * 1000 + nanoseconds / 1e6;
}
