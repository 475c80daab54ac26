const LONGEST = 200;
// C1 controls, zero-width characters and direction marks: what JSON leaves as it is but a terminal obeys
const UNSEEN = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text from an image as messages spell it: quoted, shortened, nothing in it that a terminal would obey. */
export function quote(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return JSON.stringify(short).replace(UNSEEN, (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
