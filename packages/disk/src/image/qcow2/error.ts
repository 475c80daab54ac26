import { DiskError } from '../../error.ts';

/** The image is wrong at `offset` of the file. `what` names the structure: `L1 table`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read qcow2 ${what}: ${state}`, { format: 'qcow2', offset });
}
