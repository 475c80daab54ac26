import type { ErrorCode } from '@guestkit/core/job/error-code';
import { RemoteError, type RemoteErrorKind } from '@guestkit/core/remote/remote-error';
import { PathError, type PathErrorKind } from '@guestkit/core/security/path-error';
import { ImageReferenceError } from '@guestkit/core/security/reference-policy';
import type { DiskErrorKind } from '@guestkit/disk';
import type { Fault } from '../pipe-source.ts';

/** The supervisor will not serve this attempt. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A request of the jail cannot be met. It becomes a DiskError there; the engine itself is not loaded here. */
export class ServiceFault extends Error {
  override readonly name = 'ServiceFault';
  readonly kind: DiskErrorKind;

  constructor(kind: DiskErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

const CODE_OF_PATH_ERROR: Readonly<Record<PathErrorKind, ErrorCode>> = {
  denied: 'PATH_DENIED',
  'not-found': 'IMAGE_NOT_FOUND',
  'not-a-file': 'IMAGE_NOT_FOUND',
  io: 'IMAGE_UNREADABLE',
};

const CODE_OF_REMOTE_ERROR: Readonly<Record<RemoteErrorKind, ErrorCode>> = {
  denied: 'PATH_DENIED',
  forbidden: 'IMAGE_FORBIDDEN',
  'not-found': 'IMAGE_NOT_FOUND',
  unreachable: 'IMAGE_UNREACHABLE',
  changed: 'IMAGE_CHANGED',
  unsupported: 'IMAGE_UNSUPPORTED',
  malformed: 'IMAGE_UNREADABLE',
  'over-budget': 'IMAGE_FETCH_LIMIT',
};

/** What the codes of the system tell, beyond that the storage failed. */
const CODE_OF_SYSTEM_ERROR: ReadonlyMap<string, ErrorCode> = new Map([
  ...['EBUSY', 'EAGAIN', 'ETXTBSY'].map((code) => [code, 'IMAGE_LOCKED'] as const),
  ...['ESTALE', 'ETIMEDOUT', 'ENOTCONN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENETUNREACH'].map(
    (code) => [code, 'IMAGE_UNREACHABLE'] as const,
  ),
]);

/** What an error met before the jail was asked means for the attempt. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RemoteError) return new Refusal(CODE_OF_REMOTE_ERROR[error.kind], error.message);
  if (error instanceof PathError) {
    return new Refusal(codeOfSystemError(error.cause) ?? CODE_OF_PATH_ERROR[error.kind], error.message);
  }
  return new Refusal(codeOfSystemError(error) ?? 'IMAGE_UNREADABLE', faultOf(error).message);
}

function codeOfSystemError(error: unknown): ErrorCode | undefined {
  return CODE_OF_SYSTEM_ERROR.get((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** How an error is told to a jail: without the paths of the host that system errors carry. */
export function faultOf(error: unknown): Fault {
  // whatever a server did, it says nothing of what the image holds
  if (error instanceof RemoteError) return { kind: 'io', message: error.message };
  if (error instanceof ServiceFault) return { kind: error.kind, message: error.message };
  if (error instanceof ImageReferenceError) {
    return { kind: error.kind === 'denied' ? 'denied' : 'io', message: error.message };
  }
  const code = (error as NodeJS.ErrnoException).code;
  return { kind: 'io', message: `Cannot read the image: the storage failed${code === undefined ? '' : ` (${code})`}` };
}
