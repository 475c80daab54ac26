const MAX_PATTERN_LENGTH = 4096;

/**
 * Whether a name matches a shell pattern of `*`, `?` and `[…]`. Takes at most pattern × name steps, since only the last star is
 * ever tried again.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  if (pattern.length > MAX_PATTERN_LENGTH) return false;
  const tokens = tokenize(pattern);
  let token = 0;
  let at = 0;
  let star = -1;
  let retryAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current === '*') {
      star = token;
      retryAt = at;
      token += 1;
    } else if (current?.(name[at] ?? '')) {
      token += 1;
      at += 1;
    } else if (star >= 0) {
      token = star + 1;
      retryAt += 1;
      at = retryAt;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === '*');
}

type Token = '*' | ((character: string) => boolean);

function tokenize(pattern: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? '';
    const close = character === '[' ? pattern.indexOf(']', at + 2) : -1;
    if (character === '*') tokens.push('*');
    else if (character === '?') tokens.push(() => true);
    else if (close > 0) {
      tokens.push(characterClass(pattern.slice(at + 1, close)));
      at = close;
    } else tokens.push((other) => other === character);
  }
  return tokens;
}

function characterClass(inside: string): Token {
  const negated = inside.startsWith('!') || inside.startsWith('^');
  const ranges = [...(negated ? inside.slice(1) : inside).matchAll(/(.)-(.)|(.)/gs)];
  return (character) =>
    ranges.some(([, from, to, single]) =>
      single === undefined ? between(character, from, to) : single === character,
    ) !== negated;
}

function between(character: string, from = '', to = ''): boolean {
  return from <= character && character <= to;
}
