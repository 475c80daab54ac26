import { DiskError } from '../../error.ts';

/** The image is wrong at `offset` of the file. `what` names the structure: `block table`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read Parallels ${what}: ${state}`, { format: 'parallels', offset });
}
