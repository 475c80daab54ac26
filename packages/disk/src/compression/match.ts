/** Repeats what lies `distance` bytes back; `false` when that is before the start, or there is no room for it. */
export function copyMatch(bytes: Uint8Array, at: number, distance: number, length: number): boolean {
  if (distance > at || at + length > bytes.length) return false;
  // byte by byte: a match may overlap itself
  for (let index = at; index < at + length; index++) bytes[index] = bytes[index - distance] as number;
  return true;
}
