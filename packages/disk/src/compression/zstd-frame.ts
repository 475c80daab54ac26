// Zstandard frame, RFC 8878 section 3.1.1: header, blocks up to the one marked last, optional checksum. Little-endian.

const MAGIC = 0xfd2fb528;
const FIXED_HEADER_SIZE = 5;
const DICTIONARY_ID_SIZES = [0, 1, 2, 4];
const CONTENT_SIZE_SIZES = [0, 2, 4, 8];
const BLOCK_HEADER_SIZE = 3;
const BLOCK_TYPE_RUN = 1;
const CHECKSUM_SIZE = 4;

/** Length of the frame that `bytes` start with, so that a decoder does not read on into what follows. @throws RangeError */
export function zstdFrameLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no frame');
  const descriptor = view.getUint8(4);
  let at = FIXED_HEADER_SIZE + optionalHeaderSize(descriptor);
  for (let isLast = false; !isLast; ) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    isLast = (header & 1) === 1;
    const isRun = ((header >> 1) & 3) === BLOCK_TYPE_RUN;
    // a run stores one byte, however often it is repeated
    at += BLOCK_HEADER_SIZE + (isRun ? 1 : header >> 3);
  }
  return at + ((descriptor >> 2) & 1) * CHECKSUM_SIZE;
}

function optionalHeaderSize(descriptor: number): number {
  const isSingleSegment = ((descriptor >> 5) & 1) === 1;
  const windowSize = isSingleSegment ? 0 : 1;
  const dictionarySize = DICTIONARY_ID_SIZES[descriptor & 3] ?? 0;
  const contentSize = CONTENT_SIZE_SIZES[descriptor >> 6] ?? 0;
  // without a flag, a single segment still says its size in one byte
  return windowSize + dictionarySize + (isSingleSegment && contentSize === 0 ? 1 : contentSize);
}
