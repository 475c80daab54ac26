/** Where a page of rows that are listed by age ended, in a form that says to clients: do not look inside. */
export function formatRowCursor(id: number): string {
  return Buffer.from(`row:${id}`).toString('base64url');
}

/** @throws RangeError when it is not one of ours */
export function parseRowCursor(cursor: string): number {
  const id = /^row:(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (id === undefined) throw new RangeError(`Cannot read the cursor "${cursor}": expected one from an earlier page`);
  return Number(id);
}
