import { DiskError } from '../../error.ts';

/** The error of an image that is wrong at `offset`, in bytes from the start of the filesystem. */
export function corrupt(message: string, offset: number): DiskError {
  return new DiskError('corrupt', message, { format: 'erofs', offset });
}

export function unsupported(message: string, offset: number): DiskError {
  return new DiskError('unsupported', message, { format: 'erofs', offset });
}
