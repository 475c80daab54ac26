import { decodeName } from './name.ts';

const LEAD_BYTE = 0xe0;
const CONTINUATION = 0x80;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * A name from UTF-16 units, as VFAT, exFAT and NTFS store it. A surrogate without its partner is no text, but may be in a name:
 * it becomes the three bytes that would be its UTF-8, as names keep bytes, so that no two names become one.
 */
export function decodeUtf16Name(units: readonly number[]): string {
  const text = String.fromCharCode(...units);
  return text.isWellFormed() ? text : text.replace(LONE_SURROGATE, (lone) => decodeName(bytesOf(lone.charCodeAt(0))));
}

function bytesOf(surrogate: number): Uint8Array {
  return Uint8Array.of(
    LEAD_BYTE | (surrogate >> 12),
    CONTINUATION | ((surrogate >> 6) & 0x3f),
    CONTINUATION | (surrogate & 0x3f),
  );
}
