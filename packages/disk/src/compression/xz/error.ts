import { DiskError, type DiskErrorKind } from '../../error.ts';

/** `offset` is into the compressed bytes, where that is known. */
export function xzError(kind: DiskErrorKind, what: string, state: string, offset?: number): DiskError {
  return new DiskError(kind, `Cannot decode xz ${what}: ${state}`, {
    format: 'xz',
    ...(offset !== undefined && { offset }),
  });
}

export function corrupt(what: string, state: string, offset?: number): DiskError {
  return xzError('corrupt', what, state, offset);
}

export function unsupported(what: string, state: string, offset?: number): DiskError {
  return xzError('unsupported', what, state, offset);
}
