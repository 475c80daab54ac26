import { type BigIntStats, fstatSync } from 'node:fs';

/** Which file it is, and whether it was written to since: taken before and after reading (rule R12). */
export interface FileStamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export function stampOf(fd: number): FileStamp {
  return stampFrom(fstatSync(fd, { bigint: true }));
}

export function stampFrom({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): FileStamp {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

/** The same file, not written to in between. Its ctime does not count: a new link to it, or another owner, harms no reader. */
export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return sameFile(a, b) && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

export function sameFile(a: Pick<FileStamp, 'dev' | 'ino'>, b: Pick<FileStamp, 'dev' | 'ino'>): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** A stamp as text; equal texts mean that nothing at all was done to the file in between. */
export function stampText({ dev, ino, size, mtimeNs, ctimeNs }: FileStamp): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
