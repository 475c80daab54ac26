import { type BigIntStats, fstatSync } from 'node:fs';

/** Which file it is, and whether it was written to since: taken before and after reading (rule R12). */
export interface FileStamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export function stampOf(fd: number): FileStamp {
  return stampFrom(fstatSync(fd, { bigint: true }));
}

export function stampFrom({ dev, ino, size, mtimeNs }: BigIntStats): FileStamp {
  return { dev, ino, size, mtimeNs };
}

/** The same file, not written to in between. */
export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return sameFile(a, b) && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

export function sameFile(a: Pick<FileStamp, 'dev' | 'ino'>, b: Pick<FileStamp, 'dev' | 'ino'>): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
