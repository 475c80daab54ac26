import type { JobError } from './result.ts';
import type { FinalState } from './state.ts';

interface ErrorMeaning {
  readonly phase: 'validation' | 'execution';
  /** Whether the same document may succeed when run again; written as both `recoverable` and `retry_recommended`. */
  readonly retry: boolean;
  /** The state in which the job ends when no attempt is left. */
  readonly ends: Exclude<FinalState, 'completed'>;
  readonly meaning: string;
}

/** Every `error.code` of a result document; docs/errors.md shows the same table. */
export const ERROR_CODES = {
  VALIDATION_ERROR: {
    phase: 'validation',
    retry: false,
    ends: 'failed',
    meaning: 'The document, its operation or its payload is not acceptable',
  },
  PATH_DENIED: {
    phase: 'validation',
    retry: false,
    ends: 'failed',
    meaning: 'A path in the payload lies outside the configured roots',
  },
  EXECUTION_ERROR: {
    phase: 'execution',
    retry: true,
    ends: 'failed',
    meaning: 'The operation failed for a reason that no other code names',
  },
  TIMEOUT: {
    phase: 'execution',
    retry: true,
    ends: 'timeout',
    meaning: 'The attempt ran longer than `execution.timeout_seconds`',
  },
  DEADLINE_EXCEEDED: {
    phase: 'execution',
    retry: false,
    ends: 'timeout',
    meaning: '`execution.deadline` passed before the job was done',
  },
  WAIT_TIMEOUT: {
    phase: 'execution',
    retry: false,
    ends: 'timeout',
    meaning: 'No attempt began within `execution.timeouts.wait_seconds`',
  },
  HEARTBEAT_LOST: {
    phase: 'execution',
    retry: true,
    ends: 'timeout',
    meaning: 'The attempt gave no sign of life for `execution.timeouts.heartbeat_seconds`',
  },
  NO_PROGRESS: {
    phase: 'execution',
    retry: true,
    ends: 'timeout',
    meaning: 'The attempt told no progress for `execution.timeouts.progress_seconds`',
  },
  CANCELLED: { phase: 'execution', retry: false, ends: 'cancelled', meaning: 'The job was cancelled by request' },
  IMAGE_NOT_FOUND: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image does not exist within the image roots, or is not a regular file',
  },
  IMAGE_UNREADABLE: {
    phase: 'execution',
    retry: true,
    ends: 'failed',
    meaning: 'The storage failed while the image was read',
  },
  IMAGE_CHANGED: {
    phase: 'execution',
    retry: true,
    ends: 'failed',
    meaning: 'The image was written to while it was read, as by a running machine',
  },
  IMAGE_CORRUPT: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image contradicts its own format; `details` name the format and the offset',
  },
  IMAGE_UNSUPPORTED: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image needs a feature or format that this version cannot read',
  },
  IMAGE_ENCRYPTED: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image cannot be read without a key',
  },
  IMAGE_FORMAT_MISMATCH: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image is not of the format that the payload claims',
  },
  IMAGE_CHECKSUM_MISMATCH: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image does not have the checksum that the payload names',
  },
  REFERENCE_DENIED: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The image names another file, which the reference policy does not allow to be opened',
  },
  RESULT_TOO_LARGE: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The result is larger than what can be stored',
  },
  OUTPUT_FAILED: {
    phase: 'execution',
    retry: true,
    ends: 'failed',
    meaning: 'The result could not be written to the destination of the payload',
  },
  ATTEMPT_CRASHED: {
    phase: 'execution',
    retry: true,
    ends: 'failed',
    meaning: 'The process of the attempt ended without an answer',
  },
  OUT_OF_MEMORY: {
    phase: 'execution',
    retry: false,
    ends: 'failed',
    meaning: 'The attempt needed more memory than its jail allows',
  },
  WORKER_LOST: {
    phase: 'execution',
    retry: true,
    ends: 'failed',
    meaning: 'Worker after worker vanished while running the job, which is therefore not tried again',
  },
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error as results carry it; phase and advice come from the table. */
export function jobError(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): JobError {
  const { phase, retry } = ERROR_CODES[code];
  return { code, message, phase, ...(details && { details }), recoverable: retry, retry_recommended: retry };
}

/** The state in which a job ends for good with such an error. */
export function finalStateOf(error: JobError): Exclude<FinalState, 'completed'> {
  return isErrorCode(error.code) ? ERROR_CODES[error.code].ends : 'failed';
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}
