import type { SelectQueryBuilder } from 'kysely';
import type { PageDemand } from './audit-log.ts';
import type { HistorySchema } from './schema.ts';

/** Tables whose rows are listed by age, those that came last first. */
type AgedTable = 'audit' | 'bulk_operations' | 'dead_letters';

export interface RowPage<Row> {
  readonly rows: readonly Row[];
  /** Opaque; `null` on the last page. */
  readonly nextCursor: string | null;
}

/**
 * Reads a page of what a query finds. `kind` is what cursors say they are of.
 * @throws RangeError when the cursor is not one of this kind
 */
export async function readRowPage<Row extends { readonly id: number }>(
  query: SelectQueryBuilder<HistorySchema, AgedTable, Row>,
  kind: 'row' | 'letter',
  { limit, cursor }: PageDemand,
): Promise<RowPage<Row>> {
  const before = cursor === undefined ? undefined : parseCursor(kind, cursor);
  const rows = await query
    .$if(before !== undefined, (found) => found.where('id', '<', before ?? 0))
    .orderBy('id', 'desc')
    // one more than asked for tells whether this is the last page
    .limit(limit + 1)
    .execute();
  const last = rows[limit - 1];
  return { rows: rows.slice(0, limit), nextCursor: last && rows.length > limit ? formatCursor(kind, last.id) : null };
}

/** In a form that says to clients: do not look inside. */
function formatCursor(kind: string, id: number): string {
  return Buffer.from(`${kind}:${id}`).toString('base64url');
}

function parseCursor(kind: string, cursor: string): number {
  const [, of, id] = /^(\w+):(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (of !== kind) throw new RangeError(`Cannot read the cursor "${cursor}": expected one from an earlier page`);
  return Number(id);
}
