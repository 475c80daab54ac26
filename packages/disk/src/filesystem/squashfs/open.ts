import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem } from '../file-system.ts';
import { rootNode } from './node.ts';
import { SquashfsVolume } from './volume.ts';

/** @throws DiskError `corrupt`, or `unsupported` for another version or compression */
export function openSquashfs(source: ByteSource): FileSystem {
  const volume = new SquashfsVolume(source);
  const { bytesUsed } = volume.superblock;
  const isCut = bytesUsed > source.sizeBytes;
  return {
    type: 'squashfs',
    label: undefined,
    uuid: undefined,
    sizeBytes: bytesUsed,
    // it is written once, and full from then on
    freeBytes: 0,
    isCaseSensitive: true,
    root: rootNode(volume),
    freeRanges: () => [],
    warnings: isCut ? [`truncated: the image ends at ${hex(source.sizeBytes)}, expected ${hex(bytesUsed)}`] : [],
  };
}
