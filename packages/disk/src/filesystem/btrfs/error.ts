import { DiskError } from '../../error.ts';

/** The error of an image that is wrong at `offset`: of the device for superblocks, else an address of the filesystem. */
export function corrupt(message: string, offset: number): DiskError {
  return new DiskError('corrupt', message, { format: 'btrfs', offset });
}

export function unsupported(message: string, offset: number): DiskError {
  return new DiskError('unsupported', message, { format: 'btrfs', offset });
}

/** Does what can be done in several ways, the first that succeeds. @throws the error of the first, when all fail */
export function firstThatWorks<T>(ways: number, attempt: (way: number) => T): T {
  let first: DiskError | undefined;
  for (let way = 0; way < ways; way++) {
    try {
      return attempt(way);
    } catch (error) {
      if (!(error instanceof DiskError) || error.kind === 'io') throw error;
      first ??= error;
    }
  }
  throw first ?? new RangeError('Cannot attempt anything: there are no ways');
}
