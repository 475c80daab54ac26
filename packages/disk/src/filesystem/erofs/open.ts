import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem } from '../file-system.ts';
import { rootNode } from './node.ts';
import { ErofsVolume } from './volume.ts';

/** @throws DiskError `corrupt`, or `unsupported` for features that are not known */
export function openErofs(source: ByteSource): FileSystem {
  const volume = new ErofsVolume(source);
  const { label, uuid, sizeBytes } = volume.superblock;
  const isCut = sizeBytes > source.sizeBytes;
  return {
    type: 'erofs',
    label,
    uuid,
    sizeBytes,
    // it is written once, and full from then on
    freeBytes: 0,
    isCaseSensitive: true,
    root: rootNode(volume),
    freeRanges: () => [],
    warnings: isCut ? [`truncated: the image ends at ${hex(source.sizeBytes)}, expected ${hex(sizeBytes)}`] : [],
  };
}
