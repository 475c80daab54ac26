import type { DiskError } from './error.ts';
import type { FileSystem } from './filesystem/file-system.ts';
import type { DiskImage, ReferenceOpener } from './image/image.ts';
import type { ByteSource } from './source/byte-source.ts';
import type { Partition, PartitionTable } from './volume/partition-table.ts';

/** What was found at the start of a volume: its blkid type, label, UUID and size. */
export interface VolumeSignature {
  /** As blkid names it: `ext4`, `vfat`, `swap`, `LVM2_member`, `crypto_LUKS` … */
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
}

/** A run of the disk that may hold a filesystem, named as libguestfs names it: `/dev/sda` (no table), `/dev/sda1`. */
export interface Volume {
  readonly device: string;
  readonly source: ByteSource;
  readonly partition: Partition | undefined;
  /** `undefined` when nothing known was found. */
  readonly signature: VolumeSignature | undefined;
  /** Opened filesystem, when the type can be read. */
  readonly fileSystem: FileSystem | undefined;
  /** Why a recognised filesystem could not be opened. */
  readonly error: DiskError | undefined;
}

/** A disk image taken apart: container, partition table, volumes. */
export interface Disk {
  readonly image: DiskImage;
  readonly table: PartitionTable | undefined;
  readonly volumes: readonly Volume[];
}

export interface OpenDiskOptions {
  /** What the caller says the container is. A hint that is checked, not trusted: a mismatch is refused (R3). */
  readonly claimedFormat?: string;
  readonly references: ReferenceOpener;
}
