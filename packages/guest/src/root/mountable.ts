import {
  type FileNode,
  type FileSystem,
  type Mount,
  type Subvolume,
  subvolumeDevice,
  type Volume,
} from '@guestkit/disk';

export type ReadableVolume = Volume & { readonly fileSystem: FileSystem };

/** Something of a volume that can be mounted: its filesystem as a mount without options shows it, or a part of that. */
export interface Mountable {
  /** The volume's own name, or that of a subvolume as libguestfs writes it: `btrfsvol:/dev/sda2/@home`. */
  readonly device: string;
  readonly volume: ReadableVolume;
  readonly fileSystem: FileSystem;
}

export function isReadable(volume: Volume): volume is ReadableVolume {
  return volume.fileSystem !== undefined;
}

export function wholeVolume(volume: ReadableVolume): Mountable {
  return { device: volume.device, volume, fileSystem: volume.fileSystem };
}

export function subvolumeOf(volume: ReadableVolume, subvolume: Subvolume): Mountable {
  const device = subvolumeDevice(volume.device, subvolume.path);
  return { device, volume, fileSystem: rootedAt(volume.fileSystem, subvolume.root()) };
}

/** A folder of something mountable, as if it were mounted by itself. */
export function folderOf({ device, volume, fileSystem }: Mountable, folder: FileNode): Mountable {
  return { device, volume, fileSystem: rootedAt(fileSystem, folder) };
}

export function mountAt(path: string, { device, fileSystem }: Mountable): Mount {
  return { path, device, fileSystem };
}

/** Whether what is mounted under a name is a volume, or a part of it. */
export function isOnVolume(device: string, volume: Volume): boolean {
  return device === volume.device || device.startsWith(subvolumeDevice(volume.device, ''));
}

function rootedAt(fileSystem: FileSystem, root: FileNode): FileSystem {
  const { type, label, uuid, sizeBytes, freeBytes, isCaseSensitive, warnings } = fileSystem;
  return { type, label, uuid, sizeBytes, freeBytes, isCaseSensitive, warnings, root };
}
