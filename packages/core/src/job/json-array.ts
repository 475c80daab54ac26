import { StrictJsonError } from './strict-json.ts';

// what may change the depth, part items, or begin a string
const MARK = /["[\]{},]/g;
const MARK_IN_STRING = /["\\]/g;
const ONLY_WHITESPACE = /^[ \t\n\r]*$/;

/**
 * Parts the text of a JSON array into the texts of its items, which are not parsed: each can be read, and be at fault, by itself.
 * @throws StrictJsonError when the array as such is malformed
 */
export function splitJsonArray(text: string): readonly string[] {
  const begin = text.search(/[^ \t\n\r]/);
  if (text[begin] !== '[') throw new StrictJsonError('Cannot read JSON: expected an array');
  const items: string[] = [];
  let start = begin + 1;
  let depth = 1;
  MARK.lastIndex = start;
  for (let mark = MARK.exec(text); mark !== null; mark = MARK.exec(text)) {
    const [letter] = mark;
    if (letter === '"') MARK.lastIndex = endOfString(text, mark.index + 1);
    else if (letter === '[' || letter === '{') depth += 1;
    else if (letter !== ',') depth -= 1;
    if (depth === 0) return closed(text, { items, start, end: mark.index });
    if (depth === 1 && letter === ',') {
      items.push(text.slice(start, mark.index));
      start = mark.index + 1;
    }
  }
  throw new StrictJsonError('Cannot read JSON: the array does not end');
}

/** One that does not end runs to the end of the text. */
function endOfString(text: string, start: number): number {
  MARK_IN_STRING.lastIndex = start;
  for (let mark = MARK_IN_STRING.exec(text); mark !== null; mark = MARK_IN_STRING.exec(text)) {
    if (mark[0] === '"') return MARK_IN_STRING.lastIndex;
    // whatever is escaped is passed over
    MARK_IN_STRING.lastIndex += 1;
  }
  return text.length;
}

function closed(
  text: string,
  { items, start, end }: { readonly items: readonly string[]; readonly start: number; readonly end: number },
): readonly string[] {
  if (text[end] !== ']' || !ONLY_WHITESPACE.test(text.slice(end + 1))) {
    throw new StrictJsonError('Cannot read JSON: trailing text after the array');
  }
  const last = text.slice(start, end);
  return items.length === 0 && ONLY_WHITESPACE.test(last) ? [] : [...items, last];
}
