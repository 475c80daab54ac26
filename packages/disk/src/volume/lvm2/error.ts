import { DiskError } from '../../error.ts';

/** The metadata is wrong at `offset` of the volume. `what` names the structure: `label`. */
export function corrupt(what: string, state: string, offset?: number): DiskError {
  return new DiskError('corrupt', `Cannot read LVM2 ${what}: ${state}`, {
    format: 'lvm2',
    ...(offset !== undefined && { offset }),
  });
}

/** The volume needs what we are not able to do. */
export function unsupported(what: string, state: string): DiskError {
  return new DiskError('unsupported', `Cannot open ${what}: ${state}`, { format: 'lvm2' });
}
