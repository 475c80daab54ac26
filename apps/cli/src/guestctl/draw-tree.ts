import type { FileType } from '@guestkit/disk';
import { printable } from '@guestkit/operations/report/printable';
import { print } from '../output/print.ts';
import { type FoundFile, toEntry, walkFrom } from './file-entry.ts';
import type { TreeOptions } from './guestctl.ts';
import { withTree } from './tree.ts';
import { Unreadable } from './unreadable.ts';

export interface DrawTreeOptions extends TreeOptions {
  readonly depth?: number;
  readonly directories?: true;
}

interface Branch {
  readonly name: string;
  readonly type: FileType;
  readonly size: number;
  readonly target: string | null;
  /** Sorted by name; of folders only, and empty where the drawing ends. */
  readonly entries?: Branch[];
}

export async function drawTree(image: string, start: string, options: DrawTreeOptions): Promise<void> {
  await withTree(image, options, async (tree) => {
    const unreadable = new Unreadable();
    const { depth, directories } = options;
    const walk = { onUnreadable: unreadable.add, ...(depth !== undefined && { maxDepth: depth }) };
    const files = walkFrom(start, tree, walk);
    await print(options.output, grow(start, files, { onlyFolders: directories === true, unreadable }), render);
    unreadable.conclude(start);
  });
}

interface Growth {
  readonly onlyFolders: boolean;
  readonly unreadable: Unreadable;
}

/** A walk names a folder before what is in it, so each file finds its folder. */
function grow(start: string, files: Iterable<FoundFile>, { onlyFolders, unreadable }: Growth): Branch {
  const folders = new Map<string, Branch>();
  let root: Branch | undefined;
  for (const file of files) {
    if (onlyFolders && root !== undefined && file.node.stat.type !== 'directory') continue;
    const { type, size, target } = toEntry(file, unreadable);
    const slash = file.path.lastIndexOf('/');
    const name = root === undefined ? start : file.path.slice(slash + 1);
    const branch: Branch = { name, type, size, target, ...(type === 'directory' && { entries: [] }) };
    if (type === 'directory') folders.set(file.path, branch);
    if (root !== undefined) folders.get(file.path.slice(0, slash) || '/')?.entries?.push(branch);
    root ??= branch;
  }
  if (root === undefined) throw new RangeError(`Cannot draw "${start}": a walk begins with its start`);
  return root;
}

function render(root: Branch): string {
  return [labelOf(root), ...linesBelow(root, '')].map((line) => `${line}\n`).join('');
}

function* linesBelow({ entries = [] }: Branch, indent: string): Iterable<string> {
  for (const [index, branch] of entries.entries()) {
    const isLast = index === entries.length - 1;
    yield `${indent}${isLast ? '└── ' : '├── '}${labelOf(branch)}`;
    yield* linesBelow(branch, `${indent}${isLast ? '    ' : '│   '}`);
  }
}

function labelOf({ name, target }: Branch): string {
  return printable(target === null ? name : `${name} -> ${target}`);
}
