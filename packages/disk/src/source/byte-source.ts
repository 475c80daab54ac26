/**
 * Random access to a run of bytes: a file, a pipe to the supervisor, an image's guest-visible disk, a partition, a file in a guest.
 * Synchronous on purpose: an attempt owns its process, so parsers read like the specification.
 */
export interface ByteSource {
  readonly sizeBytes: number;

  /**
   * Returns exactly `length` bytes from `offset`. The array may be shared with a cache: callers must not write to it.
   * @throws DiskError `corrupt` when the range reaches past the end, `io` when the world fails
   */
  read(offset: number, length: number): Uint8Array;

  /** Fills an array of the caller, as `read` throws. Left out where it would only copy: call it by `readInto`. */
  readInto?(offset: number, target: Uint8Array): void;

  /**
   * Has other threads do what reading from the start of a range will take, as far as they can and there is room: decompression.
   * It never rejects: what is wrong with a range is for the read to tell. Left out where there is nothing to do ahead.
   */
  prepare?(offset: number, length: number): Promise<void>;
}
