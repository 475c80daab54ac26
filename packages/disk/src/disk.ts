import type { DiskError } from './error.ts';
import type { FileSystem } from './filesystem/file-system.ts';
import type { VolumeSignature } from './filesystem/signature/identify.ts';
import type { ChainFile } from './image/chain.ts';
import type { DiskImage, ReferenceOpener } from './image/image.ts';
import type { ByteSource } from './source/byte-source.ts';
import type { Partition, PartitionTable } from './volume/partition-table.ts';

/**
 * What may hold a filesystem, named as libguestfs names it: `/dev/sda` (no table), `/dev/sda1`, and what lies within those:
 * `/dev/mapper/luks-UUID`.
 */
export interface Volume {
  readonly device: string;
  readonly source: ByteSource;
  readonly partition: Partition | undefined;
  /** Devices that it lies on, when it is part of another volume or of several. */
  readonly members?: readonly string[];
  /** `undefined` when nothing known was found. */
  readonly signature: VolumeSignature | undefined;
  /** Opened filesystem, when the type can be read. */
  readonly fileSystem: FileSystem | undefined;
  /** Why a recognised filesystem could not be opened: it is damaged, encrypted, or of a kind that cannot be read yet. */
  readonly error: DiskError | undefined;
}

/** A disk image taken apart: container, partition table, volumes. */
export interface Disk {
  readonly image: DiskImage;
  /** The files that the image is made of, itself first. */
  readonly files: readonly ChainFile[];
  readonly table: PartitionTable | undefined;
  /** The name of a partition table that cannot be read, where there is one in place of `table`. */
  readonly foreignTable?: string | undefined;
  readonly volumes: readonly Volume[];
}

export interface OpenDiskOptions {
  /** What the caller says the container is. A hint that is checked, not trusted: a mismatch is refused (R3). */
  readonly claimedFormat?: string;
  /** Lets the claim decide where the content matches another format, or several; nothing that the image names is opened then. */
  readonly allowFormatOverride?: boolean | undefined;
  readonly references: ReferenceOpener;
  /** Which disk of an archive (OVA) of several, counted from 1; the first when left out. */
  readonly disk?: number | undefined;
  /** Id or name of an internal snapshot (qcow2) to open in place of what the disk holds now. */
  readonly snapshot?: string | undefined;
  /** Passphrases and contents of key files for what is encrypted, to be tried in turn. */
  readonly passphrases?: readonly Uint8Array[];
}
