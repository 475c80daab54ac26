import { decodeName } from './name.ts';

const LEAD_BYTE = 0xe0;
const CONTINUATION = 0x80;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** A byte that is no UTF-8, as names keep it, and three that would be the UTF-8 of a surrogate. */
const ESCAPE = /[\udc80-\udcff]/u;
const ESCAPED_SURROGATE = /\udced[\udca0-\udcbf][\udc80-\udcbf]/gu;

/**
 * A name from UTF-16 units, as VFAT, exFAT and NTFS store it. A surrogate without its partner is no text, but may be in a name:
 * it becomes the three bytes that would be its UTF-8, as names keep bytes, so that no two names become one.
 */
export function decodeUtf16Name(units: ArrayLike<number>): string {
  // far quicker than spreading a typed array
  const text = String.fromCharCode.apply(undefined, units as number[]);
  return text.isWellFormed() ? text : text.replace(LONE_SURROGATE, (lone) => decodeName(bytesOf(lone.charCodeAt(0))));
}

/** The UTF-16 units of a name; `undefined` for one with bytes that no such name has. */
export function encodeUtf16Name(name: string): Uint16Array | undefined {
  if (ESCAPE.test(name.replace(ESCAPED_SURROGATE, ''))) return undefined;
  const text = name.replace(ESCAPED_SURROGATE, (escaped) => String.fromCharCode(surrogateOf(escaped)));
  return Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

function surrogateOf(escaped: string): number {
  const [, middle = 0, last = 0] = [0, 1, 2].map((index) => escaped.charCodeAt(index) & 0x3f);
  return 0xd000 | (middle << 6) | last;
}

function bytesOf(surrogate: number): Uint8Array {
  return Uint8Array.of(
    LEAD_BYTE | (surrogate >> 12),
    CONTINUATION | ((surrogate >> 6) & 0x3f),
    CONTINUATION | (surrogate & 0x3f),
  );
}
