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
  const { view, descriptor } = startOf(bytes);
  let at = FIXED_HEADER_SIZE + windowSize(descriptor) + dictionaryIdSize(descriptor) + contentSizeSize(descriptor);
  for (let isLast = false; !isLast; ) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    isLast = (header & 1) === 1;
    const isRun = ((header >> 1) & 3) === BLOCK_TYPE_RUN;
    // a run stores one byte, however often it is repeated
    at += BLOCK_HEADER_SIZE + (isRun ? 1 : header >> 3);
  }
  return at + ((descriptor >> 2) & 1) * CHECKSUM_SIZE;
}

/**
 * How much the frame that `bytes` start with says it holds, which every decoder holds it to; `undefined` where it does not say.
 * @throws RangeError
 */
export function zstdContentSize(bytes: Uint8Array): number | undefined {
  const { view, descriptor } = startOf(bytes);
  const at = FIXED_HEADER_SIZE + windowSize(descriptor) + dictionaryIdSize(descriptor);
  return CONTENT_SIZES[contentSizeSize(descriptor)]?.(view, at);
}

const CONTENT_SIZES: Readonly<Record<number, (view: DataView, at: number) => number>> = {
  1: (view, at) => view.getUint8(at),
  2: (view, at) => view.getUint16(at, true) + 256,
  4: (view, at) => view.getUint32(at, true),
  8: (view, at) => Number(view.getBigUint64(at, true)),
};

function startOf(bytes: Uint8Array): { readonly view: DataView; readonly descriptor: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no frame');
  return { view, descriptor: view.getUint8(4) };
}

function isSingleSegment(descriptor: number): boolean {
  return ((descriptor >> 5) & 1) === 1;
}

function windowSize(descriptor: number): number {
  return isSingleSegment(descriptor) ? 0 : 1;
}

function dictionaryIdSize(descriptor: number): number {
  return DICTIONARY_ID_SIZES[descriptor & 3] ?? 0;
}

/** Without a flag, a single segment still says its size in one byte. */
function contentSizeSize(descriptor: number): number {
  return CONTENT_SIZE_SIZES[descriptor >> 6] || (isSingleSegment(descriptor) ? 1 : 0);
}
