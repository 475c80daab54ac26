import { DiskError } from '../../error.ts';

/** The volume is wrong at `offset`. `what` names the structure: `key slot 2`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read LUKS ${what}: ${state}`, { format: 'luks', offset });
}

/** The volume asks for what we are not able to do. */
export function unsupported(what: string, state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot open LUKS ${what}: ${state}`, { format: 'luks', offset });
}
