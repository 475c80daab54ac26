import { DiskError } from '../../error.ts';

/** The image is wrong at `offset` of the file. `what` names the structure: `footer`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read VHD ${what}: ${state}`, { format: 'vhd', offset });
}
