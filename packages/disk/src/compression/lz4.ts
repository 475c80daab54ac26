// The block format of LZ4 (lz4_Block_format.md): sequences of literals and a match, the last of which is literals alone.

const MIN_MATCH = 4;
/** A length of 15 in a token goes on in further bytes, until one that is not 255. */
const LONG = 15;

/**
 * Decompresses one block into `output`, never past its end.
 * @returns how many bytes were written
 * @throws RangeError when the block is damaged or holds more
 */
export function decompressLz4(input: Uint8Array, output: Uint8Array): number {
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
  while (read < input.length) {
    const token = byte();
    const literals = lengthFrom(token >>> 4);
    if (read + literals > input.length) throw new RangeError('literals reach past the end of the block');
    if (written + literals > output.length) throw new RangeError('the block holds more than it may');
    output.set(input.subarray(read, read + literals), written);
    read += literals;
    written += literals;
    if (read === input.length) break;
    const distance = byte() | (byte() << 8);
    const length = lengthFrom(token & LONG) + MIN_MATCH;
    if (distance === 0 || distance > written) throw new RangeError(`a match lies ${distance} bytes back of ${written}`);
    if (written + length > output.length) throw new RangeError('the block holds more than it may');
    copyMatch(output, written, distance, length);
    written += length;
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
