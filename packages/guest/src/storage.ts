import type { Disk, Mount, Volume } from '@guestkit/disk';
import type { Storage, StorageMount, StoragePartition } from './document.ts';
import { specWithoutPassword } from './linux/fstab.ts';
import type { GuestRoot, ResolvedEntry } from './root/assemble.ts';
import { isOnVolume } from './root/mountable.ts';

/** Volumes of the disk, and how the guest's fstab uses them. */
export function describeStorage(disk: Disk, root: GuestRoot | undefined): Storage {
  const partitions = disk.volumes.map((volume) => describeVolume(volume, root?.mounts ?? []));
  return { count: partitions.length, partitions, fstab: (root?.fstab ?? []).map(describeEntry) };
}

function describeVolume(volume: Volume, mounts: readonly Mount[]): StoragePartition {
  const { device, source, partition, signature, fileSystem } = volume;
  return {
    device,
    fstype: fileSystem?.type ?? signature?.type ?? null,
    uuid: fileSystem?.uuid ?? signature?.uuid ?? null,
    label: fileSystem?.label ?? signature?.label ?? null,
    size: source.sizeBytes,
    free: fileSystem?.freeBytes ?? null,
    mountpoint: mounts.find((mount) => isOnVolume(mount.device, volume))?.path ?? null,
    number: partition?.number ?? null,
    type: partition?.type ?? null,
    type_name: partition?.typeName ?? null,
    name: partition?.name ?? null,
    partuuid: partition?.uuid ?? null,
    bootable: partition?.bootable ?? false,
    error: volume.error?.message ?? null,
  };
}

function describeEntry(entry: ResolvedEntry): StorageMount {
  const { spec, mountpoint, fstype, options, dump, pass, device } = entry;
  return {
    spec: specWithoutPassword(spec),
    mountpoint,
    fstype,
    options: options.map(withoutSecret),
    dump,
    pass,
    device,
  };
}

/** `password=`, `pass=`, `password2=`: mount.cifs(8) and its like take them as options (security rule R11). */
function withoutSecret(option: string): string {
  return option.replace(/^(pass[a-z0-9_]*|secret|key|token)=.*$/is, '$1=***');
}
