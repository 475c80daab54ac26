// C0 and C1 controls, the marks that turn the direction of text, invisible joiners, and line separators
const UNSAFE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Text from an image, made safe to show on a terminal or in a log: no control characters, no more than a screenful. */
export function plainText(text: string, maxLength = 1000): string {
  const shown = text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}…` : text.toWellFormed();
  return shown.replace(UNSAFE, '\ufffd');
}
