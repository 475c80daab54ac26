// JSON escapes C0 controls itself, and leaves these, which a terminal would act upon, as they are
const UNSAFE = /[\u007f-\u009f\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

export function toJson(document: unknown): string {
  return `${escapeUnsafe(JSON.stringify(document, null, 2))}\n`;
}

/** Rewrites characters inside double-quoted strings; what a parser reads stays the same. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
