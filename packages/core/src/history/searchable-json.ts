// JSON in columns that the database looks into. PostgreSQL's JSONB holds neither U+0000 nor half of a surrogate pair, though
// JSON may have both: they are kept as an escape character, a noncharacter that no text needs, and four digits.

const ESCAPE = '\uFFFE';
/** In JSON as `JSON.stringify` writes it; other escapes are taken whole, so that `\\u0000` is not mistaken. */
const UNSTORABLE = /\\u(0000|d[89a-f][0-9a-f]{2})|\\.|\uFFFE/g;
const ESCAPED = /\uFFFE([0-9a-f]{4})/g;

export function toSearchableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // most have nothing of the kind, which is seen sooner than by a pattern
  if (!json.includes('\\') && !json.includes(ESCAPE)) return json;
  return json.replace(UNSTORABLE, (match, code: string | undefined) => {
    if (code !== undefined) return ESCAPE + code;
    return match === ESCAPE ? `${ESCAPE}fffe` : match;
  });
}

export function parseSearchableJson(json: string) {
  return JSON.parse(json.replace(ESCAPED, '\\u$1'));
}

/** Text as it stands within searchable JSON, for comparing. */
export function toSearchableText(text: string): string {
  return JSON.parse(toSearchableJson(text));
}
