import {
  CASE_LOWER_BASE,
  CASE_LOWER_EXTENSION,
  DELETED,
  ESCAPED_E5,
  SHORT_BASE_SIZE,
  SHORT_NAME_SIZE,
} from './layout.ts';

// code page 437, which Linux takes when it is not told another
const HIGH_HALF =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';
const SPACE = ' ';

/** A name of 8 and 3 characters, in the case that its flags give it; empty when there is none. */
export function shortName(entry: Uint8Array, caseFlags: number): string {
  const base = part(entry, 0, SHORT_BASE_SIZE, (caseFlags & CASE_LOWER_BASE) !== 0);
  const extension = part(entry, SHORT_BASE_SIZE, SHORT_NAME_SIZE, (caseFlags & CASE_LOWER_EXTENSION) !== 0);
  return extension === '' ? base : `${base}.${extension}`;
}

/** The checksum that the slots of a long name carry, so that they are not taken for those of another. */
export function shortNameChecksum(entry: Uint8Array): number {
  let sum = 0;
  for (const byte of entry.subarray(0, SHORT_NAME_SIZE)) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  return sum;
}

/** Blanks at the end are none of it, nor is anything behind a zero. */
function part(entry: Uint8Array, start: number, end: number, isLower: boolean): string {
  let text = '';
  let length = 0;
  for (let index = start; index < end && entry[index] !== 0; index++) {
    const byte = entry[index] as number;
    const character = characterOf(index === 0 && byte === ESCAPED_E5 ? DELETED : byte);
    text += isLower ? lowered(character) : character;
    if (character !== SPACE) length = text.length;
  }
  return text.slice(0, length);
}

function characterOf(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : (HIGH_HALF[byte - 0x80] as string);
}

/** As far as the code page has the small letter. */
function lowered(character: string): string {
  const lower = character.toLowerCase();
  return character < '\x80' || HIGH_HALF.includes(lower) ? lower : character;
}
