import type { ByteSource, Disk } from '@guestkit/disk';
import { findVolume } from './find-volume.ts';
import type { DeviceOptions } from './guestctl.ts';
import { withDisk, withImage } from './open-image.ts';

/** Runs an action on the bytes that a command is about: of one volume, or of the disk, whatever is or is not on it. */
export function withBytes(
  image: string,
  options: DeviceOptions,
  action: (source: ByteSource) => Promise<void>,
): Promise<void> {
  const { device } = options;
  return device === undefined
    ? withImage(image, options, action)
    : withDisk(image, options, (disk) => action(bytesOf(disk, device)));
}

function bytesOf(disk: Disk, device: string): ByteSource {
  const { source, error } = findVolume(disk, device);
  // a volume that could not be put together has no bytes; one whose filesystem is unknown has them all
  if (source.sizeBytes === 0 && error !== undefined) throw error;
  return source;
}
