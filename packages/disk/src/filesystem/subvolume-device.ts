/** What the names of subvolumes begin with, as libguestfs writes them: `btrfsvol:/dev/sda2/@home`. */
export const SUBVOLUME_PREFIX = 'btrfsvol:';

export function subvolumeDevice(device: string, path: string): string {
  return `${SUBVOLUME_PREFIX}${device}/${path}`;
}
