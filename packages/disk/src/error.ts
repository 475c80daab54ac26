/**
 * *corrupt*: the image is wrong. *mismatch*: the caller is wrong about its format. *unsupported*: we are not able yet.
 * *encrypted*: a key is needed. *denied*: the reference policy forbids what the image names. *not-found*: no such path or
 * device in the image. *io*: the world failed.
 */
export type DiskErrorKind = 'io' | 'corrupt' | 'mismatch' | 'unsupported' | 'encrypted' | 'denied' | 'not-found';

/** Where in an image an error was met. Offsets are bytes from the start of the thing that `format` names. */
export interface DiskErrorPlace {
  /** The structure being read: `qcow2`, `gpt`, `ext4` … */
  readonly format?: string;
  readonly offset?: number;
  /** A path inside the guest, never one of the host. */
  readonly path?: string;
  readonly cause?: unknown;
}

/** The only error that reading an image may end in. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly kind: DiskErrorKind;
  readonly format: string | undefined;
  readonly offset: number | undefined;
  readonly path: string | undefined;

  constructor(kind: DiskErrorKind, message: string, place: DiskErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.kind = kind;
    this.format = place.format;
    this.offset = place.offset;
    this.path = place.path;
  }
}

/** What an error says of the thing that was read. Throws it again when it says nothing of that: a world that fails is no fact. */
export function asFact(error: unknown): DiskError {
  if (!(error instanceof DiskError) || error.kind === 'io') throw error;
  return error;
}
