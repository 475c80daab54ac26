import type { Kysely } from 'kysely';
import type { AuditEntry, AuditPage, PageDemand } from './audit-log.ts';
import { formatRowCursor, parseRowCursor } from './row-cursor.ts';
import type { HistorySchema } from './schema.ts';

export async function noteAudit(db: Kysely<HistorySchema>, entry: Omit<AuditEntry, 'time'>): Promise<void> {
  const { target, counts, ...rest } = entry;
  await db
    .insertInto('audit')
    .values({
      ...rest,
      time: new Date().toISOString(),
      target: JSON.stringify(target),
      counts: JSON.stringify(counts),
    })
    .execute();
}

export async function listAudit(
  db: Kysely<HistorySchema>,
  tenant: string,
  { limit, cursor }: PageDemand,
): Promise<AuditPage> {
  const before = cursor === undefined ? undefined : parseRowCursor(cursor);
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('tenant', '=', tenant)
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? 0))
    .orderBy('id', 'desc')
    // one more than asked for tells whether this is the last page
    .limit(limit + 1)
    .execute();
  const entries = rows.slice(0, limit).map(({ id, target, counts, ...entry }) => ({
    ...entry,
    target: JSON.parse(target),
    counts: JSON.parse(counts),
  }));
  const last = rows[limit - 1];
  return { entries, nextCursor: last && rows.length > limit ? formatRowCursor(last.id) : null };
}
