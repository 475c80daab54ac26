import { DiskError } from '../../error.ts';

/** The image is wrong at `offset` of the file. `what` names the structure: `grain directory`. */
export function corrupt(what: string, state: string, offset: number, cause?: unknown): DiskError {
  return new DiskError('corrupt', `Cannot read VMDK ${what}: ${state}`, { format: 'vmdk', offset, cause });
}

export function unsupported(what: string, state: string, offset: number): DiskError {
  return new DiskError('unsupported', `Cannot read VMDK ${what}: ${state}`, { format: 'vmdk', offset });
}
