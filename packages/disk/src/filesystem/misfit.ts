import { DiskError, type DiskErrorPlace } from '../error.ts';
import type { FileStat, FileType } from './file-system.ts';

/** The error of an action that does not fit the type of a node: a folder to be opened, a file to be listed. */
export function misfit(
  action: string,
  { type, inode }: FileStat,
  expected: FileType,
  place: DiskErrorPlace,
): DiskError {
  return new DiskError('not-found', `Cannot ${action} inode ${inode}: it is a ${type}, expected a ${expected}`, place);
}
