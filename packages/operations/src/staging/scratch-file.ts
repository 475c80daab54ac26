import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { dataRuns, writeWhole } from '../sparse-file.ts';

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
      writeWhole(this.fd, bytes.subarray(start, end), this.sizeBytes + start);
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
}
