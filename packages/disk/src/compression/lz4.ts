// The block format of LZ4 (lz4_Block_format.md): sequences of literals and a match, the last of which is literals alone.

const MIN_MATCH = 4;
/** A length of 15 in a token goes on in further bytes, until one that is not 255. */
const LONG = 15;

export interface Lz4Options {
  /** Whether the block may hold more than the output takes: what comes behind is left. */
  readonly stopsWhenFull?: boolean;
}

/**
 * Decompresses one block into `output`, never past its end.
 * @returns how many bytes were written
 * @throws RangeError when the block is damaged or holds more
 */
export function decompressLz4(input: Uint8Array, output: Uint8Array, options: Lz4Options = {}): number {
  let read = 0;
  let written = 0;
  const byte = () => {
    const value = input[read++];
    if (value === undefined) throw new RangeError('the block ends too early');
    return value;
  };
  const lengthFrom = (nibble: number) => {
    let length = nibble;
    if (nibble === LONG) for (let more = 255; more === 255; length += more) more = byte();
    return length;
  };
  const fitting = (length: number) => {
    if (written + length <= output.length) return length;
    if (options.stopsWhenFull) return output.length - written;
    throw new RangeError('the block holds more than it may');
  };
  while (read < input.length && !(options.stopsWhenFull && written === output.length)) {
    const token = byte();
    const literals = fitting(lengthFrom(token >>> 4));
    if (read + literals > input.length) throw new RangeError('literals reach past the end of the block');
    output.set(input.subarray(read, read + literals), written);
    read += literals;
    written += literals;
    if (read === input.length || (options.stopsWhenFull && written === output.length)) break;
    const distance = byte() | (byte() << 8);
    const length = lengthFrom(token & LONG) + MIN_MATCH;
    if (distance === 0 || distance > written) throw new RangeError(`a match lies ${distance} bytes back of ${written}`);
    const copied = fitting(length);
    copyMatch(output, written, distance, copied);
    written += copied;
  }
  return written;
}

/** A match may reach into what it writes itself. */
function copyMatch(output: Uint8Array, at: number, distance: number, length: number): void {
  if (distance >= length) {
    output.copyWithin(at, at - distance, at - distance + length);
    return;
  }
  for (let index = at; index < at + length; index++) output[index] = output[index - distance] as number;
}
