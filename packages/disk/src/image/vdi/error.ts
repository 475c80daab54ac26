import { DiskError } from '../../error.ts';

/** The image is wrong at `offset` of the file. `what` names the structure: `block map`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read VDI ${what}: ${state}`, { format: 'vdi', offset });
}

export function unsupported(state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot read VDI: ${state}`, { format: 'vdi', offset });
}
