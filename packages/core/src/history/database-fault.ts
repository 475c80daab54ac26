/** The database cannot be reached, or cannot go on now: the same may well succeed later. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
}

/** Whether an error speaks of the surroundings of the database, and not of what it was asked. */
export function isDatabaseFault(error: unknown): boolean {
  return error instanceof DatabaseFault || isSqliteFault(error);
}

// result codes of SQLite: busy, locked, read-only, I/O error, disk full, cannot open
const SQLITE_FAULTS: readonly unknown[] = [5, 6, 8, 10, 13, 14];

/** The low byte of an extended result code is the code itself. */
function isSqliteFault(error: unknown): boolean {
  if (!(error instanceof Error && 'errcode' in error)) return false;
  return typeof error.errcode === 'number' && SQLITE_FAULTS.includes(error.errcode & 0xff);
}
