// what malloc (glibc) places on pages of its own, behind a header of 16 bytes
const OWN_PAGES_BYTES = 128 * 1024;
const PAST_HEADER = 48;

/**
 * Zeros, to be read over. The kernel copies from whole pages by `rep movsb`, which on current AMD processors takes six times as long when
 * the target begins 1 to 31 bytes past where the source does within a page: just where large arrays are put.
 */
export function readBuffer(length: number): Uint8Array<ArrayBuffer> {
  return begin(length, (bytes) => new Uint8Array(bytes));
}

/** The same of whatever was in memory before, for who fills every byte or throws. */
export function unsafeReadBuffer(length: number): Uint8Array<ArrayBuffer> {
  // not from the pool that Buffers share, either
  return begin(length, (bytes) => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer));
}

function begin(length: number, allocate: (bytes: number) => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return length < OWN_PAGES_BYTES ? allocate(length) : allocate(length + PAST_HEADER).subarray(PAST_HEADER);
}
