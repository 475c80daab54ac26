import {
  type ByteSource,
  compareNames,
  type FileNode,
  type FileTree,
  type FileType,
  type Mount,
  readBuffer,
  readInto,
  type WalkOptions,
} from '@guestkit/disk';
import { CommandError } from '../exit-code.ts';
import type { Unreadable } from './unreadable.ts';

/** A file as listings tell of it. */
export interface FileEntry {
  /** Absolute in the filesystem that is read. */
  readonly path: string;
  readonly type: FileType;
  /** Four octal digits: `0644`, `4755`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Where a link leads, as stored; null of what is no link, or cannot be read. */
  readonly target: string | null;
}

export interface FoundFile {
  readonly path: string;
  readonly node: FileNode;
  /** Where it lies, when a walk came to it. */
  readonly mount?: Mount;
}

export interface Search {
  readonly tree: FileTree;
  readonly recursive: boolean;
  /** Takes what the search passes over. */
  readonly unreadable: Unreadable;
}

/** The file at a path, or the content of the folder there; with `recursive` the folder itself and all below it. Sorted by path. */
export function filesAt(path: string, search: Search): readonly FoundFile[] {
  const { tree, recursive, unreadable } = search;
  const node = nodeAt(tree, path);
  if (node.stat.type !== 'directory') return [{ path, node }];
  const found = recursive ? [...tree.walk(path, { onUnreadable: unreadable.add })] : children(path, search);
  return found.sort((one, other) => compareNames(one.path, other.path));
}

export function toEntry({ path, node }: FoundFile, unreadable: Unreadable): FileEntry {
  const { type, mode, uid, gid, sizeBytes } = node.stat;
  return {
    path,
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size: sizeBytes,
    target: type === 'symlink' ? (unreadable.attempt(path, () => node.readlink()) ?? null) : null,
  };
}

/** @throws CommandError unless the path is absolute */
export function requireAbsolute(path: string): void {
  if (path.startsWith('/')) return;
  throw new CommandError('usage', `Cannot look up "${path}": it is relative, expected a path that starts with "/"`);
}

const CHUNK_BYTES = 2 ** 20;

/** The content of a file piece by piece, so that its size does not matter. Each is good until the next is asked for: they share an array. */
export function* chunksOf(source: ByteSource): Iterable<Uint8Array> {
  const bytes = readBuffer(Math.min(CHUNK_BYTES, source.sizeBytes));
  for (let offset = 0; offset < source.sizeBytes; offset += CHUNK_BYTES) {
    const chunk = bytes.subarray(0, source.sizeBytes - offset);
    readInto(source, offset, chunk);
    yield chunk;
  }
}

/** The file at a path and all below it, as they are found: folders before their content. */
export function walkFrom(path: string, tree: FileTree, options: WalkOptions): Iterable<FoundFile> {
  const node = nodeAt(tree, path);
  return node.stat.type === 'directory' ? tree.walk(path, options) : [{ path, node }];
}

/** The names on the way to a path of a guest. */
export function componentsOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '');
}

/** Follows a link that leads to a folder, as `ls` does; a link to anything else is shown as the link it is. */
export function nodeAt(tree: FileTree, path: string): FileNode {
  requireAbsolute(path);
  const node = tree.findLink(path);
  const target = node?.stat.type === 'symlink' ? tree.find(path) : undefined;
  if (node === undefined)
    throw new CommandError('not-found', `Cannot find "${path}" in the image: there is no such file`);
  return target?.stat.type === 'directory' ? target : node;
}

function children(folder: string, { tree, unreadable }: Search): FoundFile[] {
  const base = folder.replace(/\/+$/, '');
  return tree.list(folder).flatMap((entry) => {
    const path = `${base}/${entry.name}`;
    const node = unreadable.attempt(path, () => entry.node());
    return node === undefined ? [] : [{ path, node }];
  });
}
