import type { Stats } from 'node:fs';
import { DiskError } from '../error.ts';
import { hex } from '../hex.ts';
import type { ByteSource } from './byte-source.ts';
import { checkRange } from './range.ts';
import { unsafeReadBuffer } from './read-buffer.ts';

// an import would have Node load all that the module offers, streams and promises too: 4 MiB of memory
const { closeSync, constants, fstatSync, openSync, readSync } = process.getBuiltinModule('node:fs');

// the system call takes less than 2 GiB at a time
const LARGEST_READ = 2 ** 30;

/** A regular file, read through a descriptor that is already open. */
export class FileSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #fd: number;

  /** @throws DiskError `io` unless the descriptor is that of a regular file */
  constructor(fd: number) {
    this.#fd = fd;
    this.sizeBytes = sizeOfRegularFile(attempt(() => fstatSync(fd)));
  }

  /** Opens a path for reading, for local tools; no path of an image ever comes here. Close it, or use `using`. */
  static open(path: string): FileSource {
    // without O_NONBLOCK, opening a fifo waits for a writer that may never come
    const fd = attempt(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    try {
      return new FileSource(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    const bytes = unsafeReadBuffer(length);
    this.readInto(offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): void {
    const { length } = target;
    checkRange(this, offset, length);
    for (let done = 0; done < length; ) {
      const count = attempt(() =>
        readSync(this.#fd, target, done, Math.min(length - done, LARGEST_READ), offset + done),
      );
      if (count === 0) throw shrunk(offset + done, this.sizeBytes);
      done += count;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function sizeOfRegularFile(stats: Stats): number {
  if (!stats.isFile()) {
    throw new DiskError('io', `Cannot open file: it is a ${describe(stats)}, expected a regular file`);
  }
  return stats.size;
}

function describe(stats: Stats): string {
  if (stats.isDirectory()) return 'folder';
  if (stats.isBlockDevice()) return 'block device';
  if (stats.isCharacterDevice()) return 'character device';
  return stats.isFIFO() ? 'fifo' : 'special file';
}

function shrunk(offset: number, expected: number): DiskError {
  const state = `it ends at ${hex(offset)}, expected ${hex(expected)} bytes as when it was opened`;
  return new DiskError('io', `Cannot read file: ${state}`, { offset });
}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    // the code alone: the message of a system error holds the host path
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new DiskError('io', `Cannot read file: ${code}`, { cause });
  }
}
