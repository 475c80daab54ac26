// An array as PostgreSQL sends and takes it in its binary form: neither side has to quote or read text. Big-endian; see array_recv in its
// source. A parameter that is a Buffer goes in this form.

const TYPES = {
  text: 25,
  bigint: 20,
  jsonb: 3802,
} as const;

export type ElementType = keyof typeof TYPES;
export type Element = string | number | null;

/** Dimensions, whether there are nulls, the type; then of the one dimension its length and first index. */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const BIGINT_BYTES = 8;
const NULL_LENGTH = -1;
/** Of the binary form of JSONB, whose text follows. */
const JSONB_VERSION = 1;
/** Of UTF-8 for each unit of UTF-16. */
const MAX_BYTES_PER_CHAR = 3;

/** The parameter for `$1::text[]` and the like. Half of a surrogate pair becomes U+FFFD; U+0000 must not occur. */
export function toArrayParameter(type: ElementType, elements: readonly Element[]): Buffer {
  const buffer = Buffer.allocUnsafe(maxBytesOf(elements));
  let at = HEADER_BYTES;
  for (const element of elements) at = writeElement(buffer, at, type, element);
  writeHeader(buffer, type, elements);
  return buffer.subarray(0, at);
}

function maxBytesOf(elements: readonly Element[]): number {
  let bytes = HEADER_BYTES;
  for (const element of elements) {
    bytes += LENGTH_BYTES + (typeof element === 'string' ? 1 + element.length * MAX_BYTES_PER_CHAR : BIGINT_BYTES);
  }
  return bytes;
}

function writeHeader(buffer: Buffer, type: ElementType, elements: readonly Element[]): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(elements.includes(null) ? 1 : 0, 4);
  buffer.writeInt32BE(TYPES[type], 8);
  buffer.writeInt32BE(elements.length, 12);
  buffer.writeInt32BE(1, 16);
}

/** Returns where the next one begins. */
function writeElement(buffer: Buffer, at: number, type: ElementType, element: Element): number {
  const start = at + LENGTH_BYTES;
  if (element === null) {
    buffer.writeInt32BE(NULL_LENGTH, at);
    return start;
  }
  const end = type === 'bigint' ? writeBigint(buffer, start, Number(element)) : writeText(buffer, start, type, element);
  buffer.writeInt32BE(end - start, at);
  return end;
}

function writeBigint(buffer: Buffer, at: number, value: number): number {
  buffer.writeInt32BE(Math.floor(value / 2 ** 32), at);
  return buffer.writeUInt32BE(value >>> 0, at + 4);
}

function writeText(buffer: Buffer, at: number, type: ElementType, element: Element): number {
  const start = type === 'jsonb' ? buffer.writeUInt8(JSONB_VERSION, at) : at;
  return start + buffer.write(String(element), start);
}
