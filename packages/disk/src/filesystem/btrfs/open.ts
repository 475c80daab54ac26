import type { ByteSource } from '../../source/byte-source.ts';
import type { DevicePlace, FileSystem } from '../file-system.ts';
import { freeRanges } from './free-ranges.ts';
import { Subvolumes } from './subvolumes.ts';
import { findSuperblock } from './superblock.ts';
import { BtrfsVolume } from './volume.ts';

/**
 * @param others volumes among which its other devices may be
 * @throws DiskError `corrupt`, or `unsupported` with what is not known or missing
 */
export function openBtrfs(source: ByteSource, others: readonly ByteSource[] = []): FileSystem {
  const volume = new BtrfsVolume(source, others);
  const subvolumes = new Subvolumes(volume);
  const { label, fsid, totalBytes, bytesUsed, logRoot } = volume.superblock;
  return {
    type: 'btrfs',
    label,
    uuid: fsid,
    sizeBytes: totalBytes,
    freeBytes: bytesUsed <= totalBytes ? totalBytes - bytesUsed : undefined,
    isCaseSensitive: true,
    root: subvolumes.root(subvolumes.defaultId),
    get subvolumes() {
      return subvolumes.list();
    },
    // what is in the log is in no map of free space
    ...(logRoot === undefined && { freeRanges: () => freeRanges(volume, source.sizeBytes) }),
    warnings: volume.warnings,
  };
}

/** Which filesystem a volume belongs to, and as which of its devices. */
export function deviceOf(source: ByteSource): DevicePlace | undefined {
  const superblock = findSuperblock(source);
  return superblock && { fileSystem: superblock.fsid, device: superblock.device.id };
}
