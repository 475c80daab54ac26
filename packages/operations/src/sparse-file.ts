import { writeSync } from 'node:fs';

// Files whose zeros are not stored.

/** Zeros of this much and at such offsets are left out: a filesystem stores whole blocks. */
const BLOCK_BYTES = 4096;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** The runs of blocks that are not all zero, blocks being counted from the start of the file that the bytes are written to. */
export function* dataRuns(
  bytes: Uint8Array,
  position: number,
): Generator<readonly [start: number, end: number], void, void> {
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + BLOCK_BYTES - ((position + at) % BLOCK_BYTES));
    if (ZEROS.compare(bytes, at, end, 0, end - at) === 0) {
      if (start < at) yield [start, at];
      start = end;
    }
    at = end;
  }
  if (start < at) yield [start, at];
}

/** All of the bytes: a write may take fewer than it is given. */
export function writeWhole(fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}
