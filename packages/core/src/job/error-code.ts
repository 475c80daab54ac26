import { type ErrorClass, isRetried } from './error-class.ts';
import type { JobError } from './result.ts';
import type { FinalState } from './state.ts';

interface ErrorMeaning {
  readonly phase: 'validation' | 'execution';
  /** Decides whether another attempt follows. */
  readonly class: ErrorClass;
  /** The state in which the job ends when no attempt is left. */
  readonly ends: Exclude<FinalState, 'completed'>;
  readonly meaning: string;
}

/** Every `error.code` of a result document; docs/errors.md shows the same table. */
export const ERROR_CODES = {
  VALIDATION_ERROR: {
    phase: 'validation',
    class: 'invalid',
    ends: 'failed',
    meaning: 'The document, its operation or its payload is not acceptable',
  },
  PATH_DENIED: {
    phase: 'validation',
    class: 'denied',
    ends: 'failed',
    meaning: 'A path or address in the payload lies outside what is configured',
  },
  EXECUTION_ERROR: {
    phase: 'execution',
    class: 'unknown',
    ends: 'failed',
    meaning: 'The operation failed for a reason that no other code names',
  },
  TIMEOUT: {
    phase: 'execution',
    class: 'timeout',
    ends: 'timeout',
    meaning: 'The attempt ran longer than `execution.timeout_seconds`',
  },
  DEADLINE_EXCEEDED: {
    phase: 'execution',
    class: 'deadline',
    ends: 'timeout',
    meaning: '`execution.deadline` passed before the job was done',
  },
  WAIT_TIMEOUT: {
    phase: 'execution',
    class: 'wait-timeout',
    ends: 'timeout',
    meaning: 'No attempt began within `execution.timeouts.wait_seconds`',
  },
  HEARTBEAT_LOST: {
    phase: 'execution',
    class: 'heartbeat-lost',
    ends: 'timeout',
    meaning: 'The attempt gave no sign of life for `execution.timeouts.heartbeat_seconds`',
  },
  NO_PROGRESS: {
    phase: 'execution',
    class: 'no-progress',
    ends: 'timeout',
    meaning: 'The attempt told no progress for `execution.timeouts.progress_seconds`',
  },
  CANCELLED: { phase: 'execution', class: 'cancelled', ends: 'cancelled', meaning: 'The job was cancelled by request' },
  IMAGE_NOT_FOUND: {
    phase: 'execution',
    class: 'not-found',
    ends: 'failed',
    meaning: 'The image does not exist within the image roots or on its server, or is not a regular file',
  },
  IMAGE_UNREADABLE: {
    phase: 'execution',
    class: 'io',
    ends: 'failed',
    meaning: 'The storage failed while the image was read',
  },
  IMAGE_CHANGED: {
    phase: 'execution',
    class: 'image-changed',
    ends: 'failed',
    meaning: 'The image was written to while it was read, as by a running machine',
  },
  IMAGE_UNREACHABLE: {
    phase: 'execution',
    class: 'unreachable',
    ends: 'failed',
    meaning: 'The storage of the image does not answer',
  },
  IMAGE_FORBIDDEN: {
    phase: 'execution',
    class: 'denied',
    ends: 'failed',
    meaning: 'The server of a remote image does not let the worker read it',
  },
  IMAGE_FETCH_LIMIT: {
    phase: 'execution',
    class: 'too-large',
    ends: 'failed',
    meaning: 'More of a remote image would have to be fetched than the worker is allowed',
  },
  IMAGE_LOCKED: {
    phase: 'execution',
    class: 'image-locked',
    ends: 'failed',
    meaning: 'Somebody else has the image to themselves',
  },
  IMAGE_CORRUPT: {
    phase: 'execution',
    class: 'corrupt',
    ends: 'failed',
    meaning: 'The image contradicts its own format; `details` name the format and the offset',
  },
  IMAGE_UNSUPPORTED: {
    phase: 'execution',
    class: 'unsupported',
    ends: 'failed',
    meaning: 'The image needs a feature or format that this version cannot read',
  },
  IMAGE_ENCRYPTED: {
    phase: 'execution',
    class: 'encrypted',
    ends: 'failed',
    meaning: 'The image cannot be read without a key',
  },
  IMAGE_FORMAT_MISMATCH: {
    phase: 'execution',
    class: 'mismatch',
    ends: 'failed',
    meaning: 'The image is not of the format that the payload claims',
  },
  IMAGE_CHECKSUM_MISMATCH: {
    phase: 'execution',
    class: 'mismatch',
    ends: 'failed',
    meaning: 'The image does not have the checksum that the payload names',
  },
  NOT_IN_IMAGE: {
    phase: 'execution',
    class: 'not-found',
    ends: 'failed',
    meaning: 'What the operation looks for, such as an operating system, is not in the image',
  },
  REFERENCE_DENIED: {
    phase: 'execution',
    class: 'denied',
    ends: 'failed',
    meaning: 'The image names another file, which the reference policy does not allow to be opened',
  },
  RESULT_TOO_LARGE: {
    phase: 'execution',
    class: 'too-large',
    ends: 'failed',
    meaning: 'The result is larger than the worker is allowed to store',
  },
  RESULT_NOT_STORED: {
    phase: 'execution',
    class: 'output',
    ends: 'failed',
    meaning: 'The result could not be put into the artifact store',
  },
  OUTPUT_FAILED: {
    phase: 'execution',
    class: 'output',
    ends: 'failed',
    meaning: 'The result could not be written to the destination of the payload',
  },
  NO_SPACE: {
    phase: 'execution',
    class: 'no-space',
    ends: 'failed',
    meaning: 'There was no space for the result or for scratch files',
  },
  ATTEMPT_CRASHED: {
    phase: 'execution',
    class: 'crash',
    ends: 'failed',
    meaning: 'The process of the attempt ended without an answer',
  },
  RULES_BROKEN: {
    phase: 'execution',
    class: 'hostile',
    ends: 'failed',
    meaning: 'The process of the attempt said what none of ours says: its image may have taken it over',
  },
  OUT_OF_MEMORY: {
    phase: 'execution',
    class: 'out-of-memory',
    ends: 'failed',
    meaning: 'The attempt needed more memory than its jail allows',
  },
  WORKER_LOST: {
    phase: 'execution',
    class: 'worker-lost',
    ends: 'failed',
    meaning: 'Worker after worker vanished while running the job, which is therefore not tried again',
  },
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error as results carry it; phase and advice (`recoverable` and `retry_recommended` are the same) come from the tables. */
export function jobError(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): JobError {
  const { phase, class: errorClass } = ERROR_CODES[code];
  const retry = isRetried(errorClass, undefined);
  return { code, message, phase, ...(details && { details }), recoverable: retry, retry_recommended: retry };
}

/** The state in which a job ends for good with such an error. */
export function finalStateOf(error: JobError): Exclude<FinalState, 'completed'> {
  return isErrorCode(error.code) ? ERROR_CODES[error.code].ends : 'failed';
}

/** What an error has in common with others; those of somebody else are of the class `unknown`. */
export function classOf({ code }: Pick<JobError, 'code'>): ErrorClass {
  return isErrorCode(code) ? ERROR_CODES[code].class : 'unknown';
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}
