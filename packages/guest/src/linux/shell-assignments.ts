// `KEY=value` files in shell syntax: os-release(5), lsb-release, /etc/sysconfig, /etc/default, login.defs' cousins.
// One assignment a line; a quote that is never closed ends with its line.

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=/;
// inside double quotes a backslash escapes only these
const ESCAPED_IN_QUOTES = new Set(['"', '\\', '$', '`']);

/** The variables a shell would have after reading the text; no expansion is done. */
export function parseShellAssignments(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split('\n')) {
    const assignment = ASSIGNMENT.exec(line);
    if (assignment?.[1]) variables.set(assignment[1], unquote(line.slice(assignment[0].length)));
  }
  return variables;
}

/** A shell word, or several, without quotes and escapes. An unquoted ` #` starts a comment. */
function unquote(word: string): string {
  let value = '';
  // blanks count only when something follows them
  let blanks = '';
  for (let at = 0; at < word.length; at += 1) {
    const character = word[at] ?? '';
    if (character === ' ' || character === '\t' || character === '\r') {
      blanks += character;
      continue;
    }
    if (character === '#' && (blanks !== '' || at === 0)) break;
    value += blanks;
    blanks = '';
    if (character === "'" || character === '"') {
      const quoted = readQuoted(word, at);
      value += quoted.value;
      at = quoted.end;
    } else if (character === '\\') {
      at += 1;
      value += word[at] ?? '';
    } else {
      value += character;
    }
  }
  return value;
}

function readQuoted(word: string, start: number): { readonly value: string; readonly end: number } {
  const quote = word[start];
  let value = '';
  let at = start + 1;
  for (; at < word.length && word[at] !== quote; at += 1) {
    const next = word[at + 1] ?? '';
    if (quote === '"' && word[at] === '\\' && ESCAPED_IN_QUOTES.has(next)) at += 1;
    value += word[at] ?? '';
  }
  return { value, end: at };
}
