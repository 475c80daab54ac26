import {
  createFileTree,
  type Disk,
  type FileTree,
  SUBVOLUME_PREFIX,
  type Subvolume,
  subvolumeDevice,
  type Volume,
} from '@guestkit/disk';
import { CommandError } from '../exit-code.ts';

/** Those that a listing names: the default one is what the device itself shows, and the top has no name. */
export function namedSubvolumes({ fileSystem }: Volume): readonly Subvolume[] {
  return (fileSystem?.subvolumes ?? []).filter(({ path, isDefault }) => path !== '' && !isDefault);
}

/** The files of a subvolume; `undefined` of what does not name one. @throws CommandError when there is no such subvolume */
export function findSubvolume({ volumes }: Disk, name: string): FileTree | undefined {
  if (!name.startsWith(SUBVOLUME_PREFIX)) return undefined;
  for (const { device, fileSystem } of volumes) {
    if (fileSystem === undefined || !name.startsWith(subvolumeDevice(device, ''))) continue;
    const path = name.slice(subvolumeDevice(device, '').length).replace(/\/+$/, '');
    const subvolume = fileSystem.subvolumes?.find((candidate) => candidate.path === path);
    if (subvolume !== undefined) return createFileTree({ ...fileSystem, root: subvolume.root() });
  }
  throw new CommandError('not-found', `Cannot find "${name}" in the image: there is no such subvolume`);
}
