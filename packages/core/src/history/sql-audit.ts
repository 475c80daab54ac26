import type { Kysely } from 'kysely';
import type { AuditEntry, AuditPage, PageDemand } from './audit-log.ts';
import { readRowPage } from './row-page.ts';
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

export async function listAudit(db: Kysely<HistorySchema>, tenant: string, page: PageDemand): Promise<AuditPage> {
  const ofTenant = db.selectFrom('audit').selectAll().where('tenant', '=', tenant);
  const { rows, nextCursor } = await readRowPage(ofTenant, 'row', page);
  const entries = rows.map(({ id, target, counts, ...entry }) => ({
    ...entry,
    target: JSON.parse(target),
    counts: JSON.parse(counts),
  }));
  return { entries, nextCursor };
}
