/** The pattern of `like` for a text anywhere, with a backslash before what has a meaning in patterns. */
export function likePattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
}
