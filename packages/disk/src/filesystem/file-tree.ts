import type { DiskError } from '../error.ts';
import type { ByteSource } from '../source/byte-source.ts';
import type { DirectoryEntry, FileNode, FileStat, FileSystem } from './file-system.ts';

/**
 * Paths over one or more filesystems: the guest's view of its files. Symlinks resolve inside the guest root only: an absolute
 * target restarts there and `..` stops there (security rule R9). At most 40 links are followed per path: one with more ends in a
 * DiskError `corrupt`, as it ends in ELOOP on Linux.
 */
export interface FileTree {
  /** The node at an absolute guest path, links followed; `undefined` when something on the way does not exist. */
  find(path: string): FileNode | undefined;
  /** Like find, but the last component is not followed when it is a link. */
  findLink(path: string): FileNode | undefined;
  exists(path: string): boolean;
  /** @throws DiskError `not-found` */
  stat(path: string): FileStat;
  /** Entries of a folder, sorted by the bytes of their names; what is mounted on an entry stands in its place. @throws DiskError `not-found` */
  list(path: string): readonly DirectoryEntry[];
  /** Names in a folder sorted, or none when it does not exist. */
  names(path: string): readonly string[];
  /** @throws DiskError `not-found` */
  open(path: string): ByteSource;
  /** The whole content, refused above `maxBytes` (default 64 MiB). @throws DiskError `not-found`, `unsupported` when too large */
  readFile(path: string, maxBytes?: number): Uint8Array;
  /** readFile as UTF-8 (invalid bytes replaced), or `undefined` when there is no such file. */
  readText(path: string, maxBytes?: number): string | undefined;
  /** The target of a symlink as stored, or `undefined` when the path is not a link. */
  readlink(path: string): string | undefined;
  /** The path with every symlink resolved, or `undefined` when it does not exist. */
  realpath(path: string): string | undefined;
  /**
   * The start and all below it: depth first, folders before their content, sorted by the bytes of their names. Links are
   * followed to the start only. At most 256 levels, and each folder once.
   * @throws DiskError `not-found`; while walking, what a folder or entry that cannot be read throws, unless `onUnreadable` is given
   */
  walk(path?: string, options?: WalkOptions): Iterable<WalkedFile>;
}

/** What a walk came to: a path without links, and the filesystem that it lies on. */
export interface WalkedFile {
  readonly path: string;
  readonly node: FileNode;
  readonly mount: Mount;
}

export interface WalkOptions {
  /** How many folders to go down; 0 is the start alone. */
  readonly maxDepth?: number;
  /** Told of what cannot be read (corrupt, encrypted, too deep); the walk goes on without it. */
  readonly onUnreadable?: (path: string, error: DiskError) => void;
}

/** A filesystem and the absolute guest path it is mounted on. */
export interface Mount {
  readonly path: string;
  readonly device: string;
  readonly fileSystem: FileSystem;
}
