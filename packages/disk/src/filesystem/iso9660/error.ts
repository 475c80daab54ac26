import { DiskError } from '../../error.ts';

/** The error of an image that is wrong at `offset`, in bytes from the start of the filesystem. */
export function corrupt(message: string, offset: number): DiskError {
  return new DiskError('corrupt', message, { format: 'iso9660', offset });
}
