// Text out of a guest is hostile (security rule R10): control characters drive terminals, bidirectional controls reorder what a
// reader sees, and length is memory. Escaped rather than dropped, so that the attempt itself stays visible.

const MAX_TEXT_LENGTH = 1024;

// C0, C1 and DEL (Cc), lone surrogates (Cs: bytes that were not UTF-8), line separators, bidirectional controls, the BOM
const HOSTILE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;
// nearly all guest text is this, and is told from the rest at a fraction of the cost
const PLAIN = /^[ -~]*$/;
const EVERY_HOSTILE = new RegExp(HOSTILE, 'gu');

/** Guest text made fit to show and store: controls escaped as `\x1b` or `\u{202e}`, at most 1024 characters. */
export function cleanText(text: string): string {
  if (isPlain(text)) return text;
  // cut before escaping: the work stays proportional to what is kept
  const kept = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…` : text;
  return HOSTILE.test(kept) ? kept.replace(EVERY_HOSTILE, escapeCharacter) : kept;
}

/** The same facts with every text in them cleaned, keys too. Objects lose their prototype's reach: `__proto__` is just a key. */
export function cleanFacts<T>(facts: T): T {
  return clean(facts) as T;
}

function isPlain(text: string): boolean {
  return text.length <= MAX_TEXT_LENGTH && PLAIN.test(text);
}

function clean(value: unknown): unknown {
  // most facts are clean as they are, and to see that costs less than to copy them
  if (isClean(value)) return value;
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [cleanText(key), clean(member)]));
}

function isClean(value: unknown): boolean {
  if (typeof value === 'string') return isPlain(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isClean);
  return Object.entries(value).every(([key, member]) => isPlain(key) && isClean(member));
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // file names carry a byte that is not UTF-8 as U+DC00 + byte
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
