export type { Disk, OpenDiskOptions, Volume, VolumeSignature } from './disk.ts';
export { DiskError, type DiskErrorKind, type DiskErrorPlace } from './error.ts';
export type {
  DirectoryEntry,
  FileNode,
  FileStat,
  FileSystem,
  FileSystemFormat,
  FileTime,
  FileType,
} from './filesystem/file-system.ts';
export type { FileTree, Mount } from './filesystem/file-tree.ts';
export type {
  DiskImage,
  Extent,
  ExtentKind,
  ImageContext,
  ImageFacts,
  ImageFormat,
  ReferenceOpener,
} from './image/image.ts';
export type { ByteSource } from './source/byte-source.ts';
export type { Partition, PartitionTable } from './volume/partition-table.ts';
