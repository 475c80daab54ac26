import type { ByteSource } from '../source/byte-source.ts';

export type FileType = 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

/** A moment with the precision that filesystems keep. */
export interface FileTime {
  /** Seconds since the Unix epoch; may be negative. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface FileStat {
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky, without the type: `0o755`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly links: number;
  readonly inode: number;
  /** The subvolume it is in, in formats that have them: inodes count anew in each. */
  readonly subvolume?: number;
  readonly modifiedAt: FileTime;
  readonly changedAt: FileTime;
  readonly accessedAt: FileTime;
  readonly createdAt?: FileTime;
  /** Major and minor number of a device node. */
  readonly device?: { readonly major: number; readonly minor: number };
}

/**
 * A name in a folder. Names are decoded as UTF-8; a byte that is not part of valid UTF-8 becomes the lone surrogate
 * U+DC00 + byte, so that every name survives the way there and back (see name.ts).
 */
export interface DirectoryEntry {
  readonly name: string;
  /** From the folder itself; the node's own stat is the truth. */
  readonly type: FileType | undefined;
  node(): FileNode;
}

/** A file, folder, link or device of one filesystem. Methods that do not fit the type throw a DiskError. */
export interface FileNode {
  readonly stat: FileStat;
  /** Entries without `.` and `..`, in the order the filesystem keeps them. */
  list(): Iterable<DirectoryEntry>;
  lookup(name: string): FileNode | undefined;
  /** The content; holes and unwritten ranges read as zeros. A MappedSource (see extent.ts) where the format knows of them. */
  open(): ByteSource;
  /** The target as stored. */
  readlink(): string;
  /** Extended attributes by full name (`security.capability`), values as stored. */
  xattrs(): ReadonlyMap<string, Uint8Array>;
  /** Named streams beside the content, in formats that have them (NTFS). */
  streams?(): ReadonlyMap<string, ByteSource>;
}

/** A run of bytes of the volume, from its start. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A tree of files within a filesystem that can be mounted by itself (btrfs). */
export interface Subvolume {
  /** As `subvolid=` takes it. */
  readonly id: number;
  /** Below the top of the filesystem, without a leading slash: what `subvol=` takes. */
  readonly path: string;
  /** Whether it is what a mount without options shows. */
  readonly isDefault: boolean;
  readonly isReadOnly: boolean;
  root(): FileNode;
}

/** An opened filesystem. It knows nothing of paths, mounts or symlink resolution: that is FileTree's. */
export interface FileSystem {
  /** As blkid names it: `ext2`, `ext3`, `ext4` … */
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
  readonly sizeBytes: number;
  readonly freeBytes: number | undefined;
  /** Whether names that differ in case only are different names: the rule of `lookup`, unless a folder has its own. */
  readonly isCaseSensitive: boolean;
  readonly root: FileNode;
  /** All subvolumes, in formats that have them. */
  readonly subvolumes?: readonly Subvolume[];
  /** What the filesystem keeps nothing in, in order and joined, by its own map of free space; absent where that is not read. */
  freeRanges?(): Iterable<ByteRange>;
  /** What a reader should know: journal not replayed, errors recorded … */
  readonly warnings: readonly string[];
}

/** A device among those of a filesystem. */
export interface DevicePlace {
  /** The identity of the filesystem. */
  readonly fileSystem: string;
  readonly device: number;
}

/** One filesystem format. `detect` is pure and never throws. */
export interface FileSystemFormat {
  readonly name: string;
  detect(head: Uint8Array): boolean;
  /** Of formats that lie on several volumes: which filesystem a volume belongs to, and as which of its devices. */
  deviceOf?(source: ByteSource): DevicePlace | undefined;
  /** @param others the other volumes at hand, for formats that lie on several */
  open(source: ByteSource, others?: readonly ByteSource[]): FileSystem;
}
