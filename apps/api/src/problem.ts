import { isDatabaseFault } from '@guestkit/core/history/database-fault';
import { JobDocumentError } from '@guestkit/core/job/job-document-error';

/** What a client is told of each kind of failure. One code belongs to one status. */
export const PROBLEMS = {
  'bad-request': { status: 400, code: 'BAD_REQUEST', meaning: 'The request cannot be understood' },
  'invalid-job': { status: 400, code: 'VALIDATION_ERROR', meaning: 'The job document breaks a rule of the protocol' },
  unauthorized: { status: 401, code: 'UNAUTHORIZED', meaning: 'The API key is missing or wrong' },
  forbidden: { status: 403, code: 'FORBIDDEN', meaning: 'The request comes from where none is accepted' },
  'not-found': { status: 404, code: 'NOT_FOUND', meaning: 'There is nothing at this address' },
  'method-not-allowed': {
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    meaning: 'The address exists but not for this method; `Allow` lists those it has',
  },
  conflict: { status: 409, code: 'CONFLICT', meaning: 'The state of the job does not allow it' },
  'too-large': { status: 413, code: 'PAYLOAD_TOO_LARGE', meaning: 'The body is larger than the limit' },
  'unsupported-media-type': {
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    meaning: 'The body is not uncompressed UTF-8 JSON',
  },
  internal: { status: 500, code: 'INTERNAL_ERROR', meaning: 'A fault of this node; the log has the cause' },
  overloaded: {
    status: 503,
    code: 'OVERLOADED',
    meaning: 'The cluster holds as much as it may: try again after `Retry-After`; `details` tell which mark is passed',
  },
  unavailable: {
    status: 503,
    code: 'UNAVAILABLE',
    meaning: 'A service that this node needs cannot be reached: try again',
  },
} as const satisfies Readonly<Record<string, { status: number; code: string; meaning: string }>>;

export type ProblemKind = keyof typeof PROBLEMS;

export interface ProblemBody {
  readonly error: (typeof PROBLEMS)[ProblemKind]['code'];
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A failure to be told to the client: the message and details leave the process. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    kind: ProblemKind,
    message: string,
    more: {
      readonly details?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.kind = kind;
    this.details = more.details;
    this.headers = more.headers ?? {};
  }

  get status(): number {
    return PROBLEMS[this.kind].status;
  }

  get body(): ProblemBody {
    const { message, details } = this;
    return { error: PROBLEMS[this.kind].code, message, ...(details && { details }) };
  }
}

/** What became of a request that threw. Messages of unknown errors stay in the log: they may name paths, hosts or secrets. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof JobDocumentError) return ofJobDocument(error);
  // what express and its router throw for a malformed address
  if (error instanceof URIError || statusOf(error) === 400) {
    return new Problem('bad-request', 'Cannot read the address: it is not properly encoded', { cause: error });
  }
  if (isDatabaseFault(error)) {
    return new Problem('unavailable', 'Cannot reach the database: try again', {
      cause: error,
      headers: { 'retry-after': '1' },
    });
  }
  return new Problem('internal', 'Cannot answer: an unexpected fault, see the log of the node', { cause: error });
}

function ofJobDocument(error: JobDocumentError): Problem {
  const kind = error.stage === 'shape' ? 'bad-request' : 'invalid-job';
  const details = error.field === undefined ? {} : { details: { field: error.field } };
  return new Problem(kind, error.message, { ...details, cause: error });
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && 'status' in error ? error.status : undefined;
}
