// What a process that unpacks an image loads of the engine: it is started for each, so the less the better.

export type { Compression } from './compression/detect.ts';
export { ByteInput } from './compression/xz/byte-input.ts';
export { decodeXzStream } from './compression/xz/decode.ts';
export { DiskError, type DiskErrorKind } from './error.ts';
export { imageFormatOf } from './image/open.ts';
export { FileSource } from './source/file-source.ts';
