import { DiskError } from '../../error.ts';

const FORMAT = 'bitlocker';

/** The volume is wrong at `offset`. `what` names the structure: `metadata`. */
export function corrupt(what: string, state: string, offset: number): DiskError {
  return new DiskError('corrupt', `Cannot read BitLocker ${what}: ${state}`, { format: FORMAT, offset });
}

/** The volume asks for what we are not able to do. */
export function unsupported(state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot open BitLocker volume: ${state}`, { format: FORMAT, offset });
}
