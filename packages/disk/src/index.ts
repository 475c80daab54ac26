export { COMPRESSION_SIGNATURE_SIZE, type Compression, compressionOf } from './compression/detect.ts';
export type { Disk, OpenDiskOptions, Volume } from './disk.ts';
export { DiskError, type DiskErrorKind, type DiskErrorPlace } from './error.ts';
export { type Fields, type FieldType, type Layout, readFields } from './fields.ts';
export type {
  ByteRange,
  DirectoryEntry,
  FileNode,
  FileStat,
  FileSystem,
  FileSystemFormat,
  FileTime,
  FileType,
  Subvolume,
} from './filesystem/file-system.ts';
export type { FileTree, Mount, WalkedFile, WalkOptions } from './filesystem/file-tree.ts';
export { FILE_SYSTEM_FORMATS } from './filesystem/formats.ts';
export { compareNames, decodeName, encodeName } from './filesystem/name.ts';
export { identifyVolume, type VolumeSignature } from './filesystem/signature/identify.ts';
export { SUBVOLUME_PREFIX, subvolumeDevice } from './filesystem/subvolume-device.ts';
export { createFileTree } from './filesystem/tree.ts';
export { readGuid, readUuid } from './guid.ts';
export { hex } from './hex.ts';
export type { ChainFile } from './image/chain.ts';
export { allocatedBytes } from './image/extents.ts';
export { IMAGE_FORMAT_NAMES } from './image/formats.ts';
export type {
  DiskImage,
  ImageContext,
  ImageFacts,
  ImageFormat,
  ReferenceOpener,
} from './image/image.ts';
export { type OpenImageOptions, openImage } from './image/open.ts';
export { denyReferences } from './image/references.ts';
export { openDisk } from './open-disk.ts';
export { quote } from './quote.ts';
export type { ByteSource } from './source/byte-source.ts';
export { CachedSource, type CacheOptions, type CacheStats } from './source/cached-source.ts';
export { type Extent, type ExtentKind, extentsOf, type MappedSource } from './source/extent.ts';
export { FileSource } from './source/file-source.ts';
export { MemorySource } from './source/memory-source.ts';
export { readBuffer } from './source/read-buffer.ts';
export { type Piece, readInOrder } from './source/read-in-order.ts';
export { readInto } from './source/read-into.ts';
export { WindowSource } from './source/window-source.ts';
export type { Partition, PartitionTable } from './volume/partition-table.ts';
