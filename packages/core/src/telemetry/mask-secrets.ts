const SECRETS: ReadonlySet<string> = new Set([
  'apiKey',
  'api_key',
  'authorization',
  'password',
  'cookie',
  'secret',
  'token',
  'x-api-key',
]);
const MASK = '********';
const DEPTH = 2;

/** The same object with members that hold secrets masked, up to two levels deep; a copy only where there are any. */
export function maskSecrets(value: object, depth = DEPTH): Record<string, unknown> {
  const members = value as Record<string, unknown>;
  let masked: Record<string, unknown> | undefined;
  for (const key of Object.keys(members)) {
    const member = members[key];
    const shown = SECRETS.has(key)
      ? maskOf(member)
      : depth > 0 && isPlain(member)
        ? maskSecrets(member, depth - 1)
        : member;
    if (shown === member) continue;
    masked ??= { ...members };
    masked[key] = shown;
  }
  return masked ?? members;
}

function maskOf(member: unknown): unknown {
  return member === undefined ? undefined : MASK;
}

/** An error is turned into an object later, by its own serializer. */
function isPlain(member: unknown): member is object {
  return typeof member === 'object' && member !== null && !(member instanceof Error);
}
