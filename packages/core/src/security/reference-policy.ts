import { closeSync } from 'node:fs';
import path from 'node:path';
import { type FileStamp, sameFile } from './file-stamp.ts';
import { PathError, type PathErrorKind } from './path-error.ts';
import { type GuardedFile, openWithin } from './path-guard.ts';

/** Which files that an image names may be opened: none, those beside the image, or those within the image roots. */
export type ReferencePolicy = 'deny' | 'same-directory' | 'roots';

/** The image that names another file, and what the operator allows. */
export interface Referrer {
  readonly policy: ReferencePolicy;
  /** Real path of the image, as openWithin returned it. */
  readonly path: string;
  readonly roots: readonly string[];
  /** The image and all that was opened on the way to it. */
  readonly chain: readonly FileStamp[];
}

/** An image names a file that was not opened. */
export class ImageReferenceError extends Error {
  override readonly name = 'ImageReferenceError';
  readonly kind: PathErrorKind;
  /** What the image needs, as it names it. */
  readonly reference: string;

  constructor(kind: PathErrorKind, reference: string, reason: string) {
    super(`Cannot open ${JSON.stringify(reference)}, which the image needs: ${reason}`);
    this.kind = kind;
    this.reference = reference;
  }
}

const MAX_CHAIN = 16;
// json:…, nbd://…, file:…, and Windows drives with them: qemu would follow these anywhere
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * Opens what an image names, by the operator's policy and never by the image's wish (rules R4, R7).
 * @throws ImageReferenceError
 */
export function openReference(reference: string, referrer: Referrer): GuardedFile {
  const objection = objectionTo(reference, referrer);
  if (objection !== undefined) throw new ImageReferenceError('denied', reference, objection);
  const opened = openNamed(reference, referrer);
  if (!referrer.chain.some((stamp) => sameFile(stamp, opened.stamp))) return opened;
  closeSync(opened.fd);
  throw new ImageReferenceError('denied', reference, 'it leads back to an image that is already open');
}

function objectionTo(reference: string, { policy, chain }: Referrer): string | undefined {
  const parts = reference.split('/');
  if (reference === '' || reference.includes('\0')) return 'it is not the name of a file';
  if (SCHEME.test(reference)) return 'it is not a plain path';
  if (parts.includes('..')) return 'it leads out of its folder';
  if (policy === 'deny') return 'the reference policy is "deny"; "same-directory" and "roots" allow more';
  if (policy === 'same-directory' && parts.filter((part) => part !== '.').length !== 1) {
    return 'the reference policy "same-directory" allows only files beside the image';
  }
  return chain.length >= MAX_CHAIN ? `the chain is longer than ${MAX_CHAIN} images` : undefined;
}

function openNamed(reference: string, { policy, path: image, roots }: Referrer): GuardedFile {
  const folder = path.dirname(image);
  try {
    const absolute = path.resolve(folder, reference);
    return policy === 'roots' ? openWithin(roots, absolute) : openBeside(folder, absolute);
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    throw new ImageReferenceError(error.kind, reference, REASONS[error.kind]);
  }
}

/** Symlinks within the folder are followed only within the folder, not into those below. */
function openBeside(folder: string, absolute: string): GuardedFile {
  const opened = openWithin([folder], absolute);
  if (path.dirname(opened.path) === folder) return opened;
  closeSync(opened.fd);
  throw new PathError('denied', absolute, 'Cannot open a file beside the image: it is a symlink to elsewhere');
}

const REASONS: Readonly<Record<PathErrorKind, string>> = {
  denied: 'it is outside the folders that the reference policy allows',
  'not-found': 'there is no such file',
  'not-a-file': 'it is not a regular file',
  io: 'the storage refused it',
};
