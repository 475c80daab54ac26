/**
 * *denied*: the operator does not allow it. *forbidden*: the server does not let us. *not-found*: it has no such object.
 * *unreachable*: it does not answer, or only with errors that may pass. *changed*: the object is no longer the one that was opened.
 * *unsupported*: it cannot be read in ranges. *malformed*: the server contradicts itself. *over-budget*: more would have to be
 * fetched than is allowed.
 */
export type RemoteErrorKind =
  | 'denied'
  | 'forbidden'
  | 'not-found'
  | 'unreachable'
  | 'changed'
  | 'unsupported'
  | 'malformed'
  | 'over-budget';

/** Why a remote image is of no use. The message holds no secret of its address, and nothing of where its name leads. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly kind: RemoteErrorKind;
  /** How long the server asks to be left alone. */
  readonly waitMs: number;

  constructor(
    kind: RemoteErrorKind,
    message: string,
    more: { readonly cause?: unknown; readonly waitMs?: number } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.waitMs = more.waitMs ?? 0;
  }
}
