/** *denied*: outside what the operator allows. *not-found*: no such file. *not-a-file*: a folder, device, pipe or socket. *io*: the world failed. */
export type PathErrorKind = 'denied' | 'not-found' | 'not-a-file' | 'io';

/** Why a path that a client wrote is of no use. The message holds no host path beyond what the client wrote. */
export class PathError extends Error {
  override readonly name = 'PathError';
  readonly kind: PathErrorKind;
  /** As the client wrote it. */
  readonly path: string;

  constructor(kind: PathErrorKind, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.path = path;
  }
}
