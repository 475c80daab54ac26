// A byte that is not part of valid UTF-8 is kept as the lone surrogate U+DC00 + byte, which valid UTF-8 cannot give
const ESCAPE = 0xdc00;
const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;
const FIRST_SURROGATE = 0xd800;
const FROM_SURROGATES = /[\ud800-\uffff]/;

/** A name from its bytes. Every sequence of bytes has a name, and no two have the same. */
export function decodeName(bytes: Uint8Array): string {
  // nearly every name is ASCII: the engine makes such a string at once
  if (isAscii(bytes)) return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);
  let name = '';
  for (let index = 0; index < bytes.length; ) {
    const byte = bytes[index] as number;
    const length = byte < 0x80 ? 1 : sequenceLength(bytes, index);
    name += length === 0 ? String.fromCharCode(ESCAPE + byte) : character(bytes, index, length);
    index += length || 1;
  }
  return name;
}

/** The bytes of a name: what decodeName was given. @throws RangeError for a lone surrogate that stands for no byte */
export function encodeName(name: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of name) {
    const point = character.codePointAt(0) as number;
    if (point >= FIRST_ESCAPE && point <= LAST_ESCAPE) bytes.push(point - ESCAPE);
    else pushUtf8(bytes, point);
  }
  return Uint8Array.from(bytes);
}

/** Sorts in place, by the bytes of the names. */
export function sortByName<Named extends { readonly name: string }>(items: Named[]): Named[] {
  if (items.some(({ name }) => FROM_SURROGATES.test(name))) {
    return items.sort((one, other) => compareNames(one.name, other.name));
  }
  // below the surrogates, code units are in the order of their UTF-8, and the engine compares those itself
  return items.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

/** Whether a file can have a name: what a folder keeps for itself and its parent, or would split a path, is none. */
export function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/** The order of the bytes of two names, whatever they are made of. */
export function compareNames(one: string, other: string): number {
  const shared = Math.min(one.length, other.length);
  let index = 0;
  while (index < shared && one.charCodeAt(index) === other.charCodeAt(index)) index++;
  if (index === shared) return one.length - other.length;
  const left = one.charCodeAt(index);
  const right = other.charCodeAt(index);
  // below the surrogates, code units are in the order of their UTF-8
  if (left < FIRST_SURROGATE && right < FIRST_SURROGATE) return left - right;
  return Buffer.compare(encodeName(one), encodeName(other));
}

function isAscii(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if ((bytes[index] as number) >= 0x80) return false;
  return true;
}

const LEADS = [
  { length: 2, first: 0xc2, last: 0xdf, least: 0x80 },
  { length: 3, first: 0xe0, last: 0xef, least: 0x800 },
  { length: 4, first: 0xf0, last: 0xf4, least: 0x10000 },
] as const;

/** How many bytes of valid UTF-8 make the character at an index; 0 when it is not valid. */
function sequenceLength(bytes: Uint8Array, index: number): number {
  const lead = bytes[index] as number;
  const kind = LEADS.find(({ first, last }) => lead >= first && lead <= last);
  if (kind === undefined || index + kind.length > bytes.length) return 0;
  for (let next = index + 1; next < index + kind.length; next++) {
    if (((bytes[next] as number) & 0xc0) !== 0x80) return 0;
  }
  const point = codePoint(bytes, index, kind.length);
  const isSurrogate = point >= FIRST_SURROGATE && point <= 0xdfff;
  return point < kind.least || point > 0x10ffff || isSurrogate ? 0 : kind.length;
}

function character(bytes: Uint8Array, index: number, length: number): string {
  return String.fromCodePoint(codePoint(bytes, index, length));
}

function codePoint(bytes: Uint8Array, index: number, length: number): number {
  const lead = bytes[index] as number;
  let point = length === 1 ? lead : lead & (0x7f >> length);
  for (let next = index + 1; next < index + length; next++) point = (point << 6) | ((bytes[next] as number) & 0x3f);
  return point;
}

function pushUtf8(bytes: number[], point: number): void {
  if (point >= FIRST_SURROGATE && point <= 0xdfff) {
    throw new RangeError(`Cannot encode name: U+${point.toString(16).toUpperCase()} stands for no byte`);
  }
  if (point < 0x80) bytes.push(point);
  else if (point < 0x800) bytes.push(0xc0 | (point >> 6), continuation(point));
  else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point));
  else bytes.push(0xf0 | (point >> 18), continuation(point >> 12), continuation(point >> 6), continuation(point));
}

function continuation(bits: number): number {
  return 0x80 | (bits & 0x3f);
}
