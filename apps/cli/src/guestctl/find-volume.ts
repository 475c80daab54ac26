import type { Disk, Volume } from '@guestkit/disk';
import { CommandError } from '../exit-code.ts';

/** The volume that a user named: `/dev/sda2`, or `sda2` for short. @throws CommandError when there is none */
export function findVolume({ volumes }: Disk, device: string): Volume {
  const name = device.startsWith('/dev/') ? device : `/dev/${device}`;
  const volume = volumes.find((candidate) => candidate.device === name);
  if (volume !== undefined) return volume;
  throw new CommandError('not-found', `Cannot find "${device}" in the image: ${listVolumes(volumes)}`);
}

/** What there is to choose from. */
export function listVolumes(volumes: readonly Volume[]): string {
  if (volumes.length === 0) return 'it holds no volumes';
  const names = volumes.map(({ device, signature }) => `${device} (${signature?.type ?? 'nothing known'})`);
  return `it holds ${names.join(', ')}`;
}
