/** The range of uids that login.defs(5) gives to people. */
export interface UidRange {
  readonly min: number;
  readonly max: number;
}

export function parseUidRange(loginDefs: string): UidRange {
  return { min: setting(loginDefs, 'UID_MIN') ?? 1000, max: setting(loginDefs, 'UID_MAX') ?? 60_000 };
}

/** login.defs wants a blank between name and value. The last line counts. */
function setting(text: string, name: string): number | undefined {
  const value = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .findLast(([word]) => word === name)?.[1];
  return value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}
