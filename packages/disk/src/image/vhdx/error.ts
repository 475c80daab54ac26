import { DiskError } from '../../error.ts';

/** The image is wrong at `offset` of the file. `what` names the structure: `region table`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read VHDX ${what}: ${state}`, { format: 'vhdx', offset });
}

/** The image asks for what is not known here. */
export function unsupported(what: string, state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot read VHDX ${what}: ${state}`, { format: 'vhdx', offset });
}
