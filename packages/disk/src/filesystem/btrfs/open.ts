import type { ByteSource } from '../../source/byte-source.ts';
import type { DevicePlace, FileSystem, FileSystemFormat, Subvolume } from '../file-system.ts';
import { Subvolumes } from './subvolumes.ts';
import { findSuperblock, isBtrfs } from './superblock.ts';
import { BtrfsVolume } from './volume.ts';

export const btrfsFormat: FileSystemFormat = { name: 'btrfs', detect: isBtrfs, deviceOf, open: openBtrfs };

/**
 * @param others volumes among which its other devices may be
 * @throws DiskError `corrupt`, or `unsupported` with what is not known or missing
 */
export function openBtrfs(source: ByteSource, others: readonly ByteSource[] = []): FileSystem {
  return new BtrfsFileSystem(new BtrfsVolume(source, others));
}

function deviceOf(source: ByteSource): DevicePlace | undefined {
  const superblock = findSuperblock(source);
  return superblock && { fileSystem: superblock.fsid, device: superblock.device.id };
}

class BtrfsFileSystem implements FileSystem {
  readonly type = 'btrfs';
  readonly isCaseSensitive = true;
  readonly label: string | undefined;
  readonly uuid: string;
  readonly sizeBytes: number;
  readonly warnings: readonly string[];
  readonly root: FileSystem['root'];
  readonly #volume: BtrfsVolume;
  readonly #subvolumes: Subvolumes;

  constructor(volume: BtrfsVolume) {
    const { label, fsid, totalBytes } = volume.superblock;
    this.label = label;
    this.uuid = fsid;
    this.sizeBytes = totalBytes;
    this.warnings = volume.warnings;
    this.#volume = volume;
    this.#subvolumes = new Subvolumes(volume);
    this.root = this.#subvolumes.root(this.#subvolumes.defaultId);
  }

  get freeBytes(): number | undefined {
    const { totalBytes, bytesUsed } = this.#volume.superblock;
    return bytesUsed <= totalBytes ? totalBytes - bytesUsed : undefined;
  }

  get subvolumes(): readonly Subvolume[] {
    return this.#subvolumes.list();
  }
}
