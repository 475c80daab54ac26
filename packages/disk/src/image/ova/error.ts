import { DiskError } from '../../error.ts';

/** The archive is wrong at `offset` of the file. `what` names the structure: `tar header`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read OVA ${what}: ${state}`, { format: 'ova', offset });
}

/** The archive asks for what is not known here. */
export function unsupported(what: string, state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot read OVA ${what}: ${state}`, { format: 'ova', offset });
}
