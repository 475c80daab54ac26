import type { Subvolume } from '@guestkit/disk';
import { type Mountable, type ReadableVolume, subvolumeOf, wholeVolume } from './mountable.ts';

// Which part of a btrfs filesystem a mount shows: btrfs(5), `subvol=` and `subvolid=`.

const TOP_LEVEL_ID = 5;

export type Selection = { readonly mountable: Mountable } | { readonly reason: string };

/** What the options of a mount select; without any it is the default subvolume. */
export function selectSubvolume(volume: ReadableVolume, options: readonly string[]): Selection {
  const path = optionOf('subvol', options);
  const id = optionOf('subvolid', options);
  if (path === undefined && id === undefined) return { mountable: wholeVolume(volume) };
  const subvolume = subvolumesOf(volume).find((candidate) => isNamed(candidate, path, id));
  if (subvolume !== undefined) return { mountable: subvolumeOf(volume, subvolume) };
  // other filesystems ignore nothing: they would refuse the option, and a reader may as well show the files
  if (volume.fileSystem.subvolumes === undefined) return { mountable: wholeVolume(volume) };
  return { reason: `'${volume.device}' has no subvolume '${path ?? id}'` };
}

export function subvolumesOf(volume: ReadableVolume): readonly Subvolume[] {
  return volume.fileSystem.subvolumes ?? [];
}

/** Whether options select a subvolume by its path or number. */
export function selects(options: readonly string[], subvolume: Subvolume): boolean {
  return isNamed(subvolume, optionOf('subvol', options), optionOf('subvolid', options));
}

/** Both may be given, and the path is what people edit. */
function isNamed(subvolume: Subvolume, path: string | undefined, id: string | undefined): boolean {
  if (path !== undefined) return trim(subvolume.path) === trim(path);
  // 0 stands for the top, whatever its number
  return id !== undefined && subvolume.id === (Number(id) || TOP_LEVEL_ID);
}

function optionOf(name: string, options: readonly string[]): string | undefined {
  return options.findLast((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}

function trim(path: string): string {
  return path.split('/').filter(Boolean).join('/');
}
