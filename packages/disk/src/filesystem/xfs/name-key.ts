import { encodeName } from '../name.ts';

/** How a name is looked up where the case of letters does not matter: byte by byte, as Latin-1, which is all that XFS knows of case. */
export function foldName(name: string): string {
  return Array.from(encodeName(name), (byte) => String.fromCharCode(isUpper(byte) ? byte + 0x20 : byte)).join('');
}

function isUpper(byte: number): boolean {
  const isAscii = byte >= 0x41 && byte <= 0x5a;
  return isAscii || (byte >= 0xc0 && byte <= 0xde && byte !== 0xd7);
}
