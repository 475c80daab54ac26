/** How names are compared: without regard to case, and to dots at the end of what is asked for. */
export function lookupKey(name: string): string {
  return foldCase(stripDots(name));
}

/** Windows drops dots at the end of a name, and Linux does so too. */
export function stripDots(name: string): string {
  let end = name.length;
  while (end > 0 && name[end - 1] === '.') end--;
  return name.slice(0, end);
}

/** Capital letters, where there is one character for one: `ß` stays. */
export function foldCase(name: string): string {
  const upper = name.toUpperCase();
  return upper.length === name.length ? upper : [...name].map(foldCharacter).join('');
}

function foldCharacter(character: string): string {
  const upper = character.toUpperCase();
  return upper.length === character.length ? upper : character;
}
