import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Zeros of this much and at such offsets are left out: a filesystem stores whole blocks. */
const BLOCK_BYTES = 4096;
const ZEROS = Buffer.alloc(2 ** 16);

/** A file without a name, so that however its process ends, nothing is left behind. */
export class ScratchFile implements Disposable {
  readonly fd: number;
  sizeBytes = 0;
  /** What it costs: all that is not zero. */
  storedBytes = 0;

  /** Makes the folder, too. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const name = path.join(folder, `guestkit-${randomBytes(12).toString('hex')}`);
    this.fd = openSync(name, 'wx+', 0o600);
    unlinkSync(name);
  }

  append(bytes: Buffer): void {
    for (const [start, end] of dataRuns(bytes, this.sizeBytes)) {
      this.#write(bytes.subarray(start, end), this.sizeBytes + start);
      this.storedBytes += end - start;
    }
    this.sizeBytes += bytes.length;
  }

  /** Zeros at the end were left out, too. */
  finish(): void {
    ftruncateSync(this.fd, this.sizeBytes);
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }

  #write(bytes: Buffer, position: number): void {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.fd, bytes, written, bytes.length - written, position + written);
    }
  }
}

/** The runs of blocks that are not all zero, blocks being counted from the start of the file. */
function* dataRuns(bytes: Buffer, position: number): Iterable<readonly [start: number, end: number]> {
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + BLOCK_BYTES - ((position + at) % BLOCK_BYTES));
    if (isZero(bytes, at, end)) {
      if (start < at) yield [start, at];
      start = end;
    }
    at = end;
  }
  if (start < at) yield [start, at];
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  return bytes.compare(ZEROS, 0, end - start, start, end) === 0;
}
