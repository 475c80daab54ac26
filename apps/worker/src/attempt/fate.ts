import { type ErrorCode, jobError } from '@guestkit/core/job/error-code';
import type { JobError } from '@guestkit/core/job/result';
import type { DiskErrorKind } from '@guestkit/disk';
import type { ErrorFacts } from '../jail/error-facts.ts';
import type { Ending } from '../jail/task.ts';

// What follows from how an attempt ended. Whether that is worth another attempt is decided in next-attempt.ts.

const CODE_OF_DISK_ERROR: Readonly<Record<DiskErrorKind, ErrorCode>> = {
  io: 'IMAGE_UNREADABLE',
  corrupt: 'IMAGE_CORRUPT',
  mismatch: 'IMAGE_FORMAT_MISMATCH',
  unsupported: 'IMAGE_UNSUPPORTED',
  encrypted: 'IMAGE_ENCRYPTED',
  denied: 'REFERENCE_DENIED',
  'not-found': 'NOT_IN_IMAGE',
};

export type Failure = Exclude<Ending, { readonly kind: 'result' | 'stopped' | 'overtaken' | 'closed' }>;

/** The error that a failed attempt leaves in the result. */
export function errorOf(failure: Failure): JobError {
  switch (failure.kind) {
    case 'error':
      return errorOfOperation(failure.facts);
    case 'refused':
      return jobError(failure.code, failure.message);
    case 'timeout':
      return jobError('TIMEOUT', 'The attempt ran longer than execution.timeout_seconds');
    case 'heartbeat-lost':
      return jobError('HEARTBEAT_LOST', `The attempt gave no sign of life for ${failure.seconds} s`);
    case 'no-progress':
      return jobError('NO_PROGRESS', `The attempt told no progress for ${failure.seconds} s`);
    case 'died':
      return failure.outOfMemory
        ? jobError('OUT_OF_MEMORY', `The attempt needed more memory than it is allowed: ${failure.reason}`)
        : jobError('ATTEMPT_CRASHED', `The process of the attempt ended without an answer: ${failure.reason}`);
    case 'abuse':
      return jobError('RULES_BROKEN', `The process of the attempt broke the rules: ${failure.message}`);
  }
}

function errorOfOperation({ name, message, kind, format, offset, path }: ErrorFacts): JobError {
  // a result that does not fit into a frame
  if (name === 'FrameError') return jobError('RESULT_TOO_LARGE', message);
  if (kind === undefined) return jobError('EXECUTION_ERROR', message);
  const details = {
    kind,
    ...(format !== undefined && { format }),
    ...(offset !== undefined && { offset }),
    ...(path !== undefined && { path }),
  };
  return jobError(CODE_OF_DISK_ERROR[kind], message, details);
}
