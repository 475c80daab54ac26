import { DiskError, type DiskErrorPlace } from '../error.ts';
import { hex } from '../hex.ts';
import type { ByteSource } from './byte-source.ts';

/** @throws DiskError `corrupt` unless `length` bytes from `offset` lie within the source */
export function checkRange(source: ByteSource, offset: number, length: number, place: DiskErrorPlace = {}): void {
  // written so that NaN and fractions from hostile arithmetic fail too
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0) {
    if (length <= source.sizeBytes - offset) return;
  }
  const state = `there are ${hex(source.sizeBytes)} bytes`;
  throw new DiskError('corrupt', `Cannot read ${length} bytes at ${hex(offset)}: ${state}`, { ...place, offset });
}
