import { DiskError } from '../../error.ts';

/** The member is wrong at `offset`. */
export function corrupt(state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read RAID superblock: ${state}`, { format: 'mdraid', offset });
}

/** The array needs what we are not able to do, or members that are not there. */
export function unsupported(state: string): DiskError {
  return new DiskError('unsupported', `Cannot open array: ${state}`, { format: 'mdraid' });
}
