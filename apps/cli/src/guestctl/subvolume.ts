import { createFileTree, type Disk, type FileTree, type Subvolume, type Volume } from '@guestkit/disk';
import { CommandError } from '../exit-code.ts';

// Subvolumes as libguestfs names them: `btrfsvol:/dev/sda2/@home`.

const PREFIX = 'btrfsvol:';

export function subvolumeDevice(device: string, path: string): string {
  return `${PREFIX}${device}/${path}`;
}

/** Those that a listing names: the default one is what the device itself shows, and the top has no name. */
export function namedSubvolumes({ fileSystem }: Volume): readonly Subvolume[] {
  return (fileSystem?.subvolumes ?? []).filter(({ path, isDefault }) => path !== '' && !isDefault);
}

/** The files of a subvolume; `undefined` of what does not name one. @throws CommandError when there is no such subvolume */
export function findSubvolume({ volumes }: Disk, name: string): FileTree | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  for (const { device, fileSystem } of volumes) {
    if (fileSystem === undefined || !name.startsWith(subvolumeDevice(device, ''))) continue;
    const path = name.slice(subvolumeDevice(device, '').length).replace(/\/+$/, '');
    const subvolume = fileSystem.subvolumes?.find((candidate) => candidate.path === path);
    if (subvolume !== undefined) return createFileTree({ ...fileSystem, root: subvolume.root() });
  }
  throw new CommandError('not-found', `Cannot find "${name}" in the image: there is no such subvolume`);
}
