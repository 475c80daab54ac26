import { quote } from '../../quote.ts';
import { decodeName, isFileName } from '../name.ts';
import { decodeUtf16Name } from '../utf16-name.ts';
import { corrupt } from './error.ts';

/** How a tree of folders spells its names. */
export interface Naming {
  decode(identifier: Uint8Array): string;
  /** Names that are the same become the same. */
  fold(name: string): string;
  readonly isCaseSensitive: boolean;
}

// Lookups without Rock Ridge ignore case, in Joliet as Linux does. Names of the plain tree are shown as they are stored, which is in
// capitals, while Linux shows them in lower case: with both spellings found, paths taken from either view lead to the file.
const IGNORING_CASE = { fold: (name: string) => name.toLowerCase(), isCaseSensitive: false };

/** The tree that every disc has: `NAME.EXT;1`, without a dot where there is no extension. */
export const PLAIN_NAMES: Naming = {
  decode: (identifier) => decodeName(identifier).replace(/;\d*$/, '').replace(/\.$/, ''),
  ...IGNORING_CASE,
};

/** UTF-16, big-endian. */
export const JOLIET_NAMES: Naming = {
  decode: (identifier) => decodeUtf16Name(unitsOf(identifier)).replace(/;1$/, '').replace(/\.+$/, ''),
  ...IGNORING_CASE,
};

/** Names of the plain tree are shown where a file has none in Rock Ridge. */
export const ROCK_RIDGE_NAMES: Naming = { decode: PLAIN_NAMES.decode, fold: (name) => name, isCaseSensitive: true };

export function checkName(name: string, at: number): string {
  if (isFileName(name)) return name;
  throw corrupt(`Cannot read folder: bad name ${quote(name)}`, at);
}

function unitsOf(identifier: Uint8Array): number[] {
  const view = new DataView(identifier.buffer, identifier.byteOffset, identifier.byteLength);
  return Array.from({ length: identifier.length >> 1 }, (_, index) => view.getUint16(index * 2));
}
