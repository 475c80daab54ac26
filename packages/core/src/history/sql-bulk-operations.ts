import type { Kysely, Transaction } from 'kysely';
import type { AuditAuthor, AuditEntry, PageDemand } from './audit-log.ts';
import type { BulkBatch, BulkOperation, BulkPage, BulkState, BulkTold, NewBulkOperation } from './bulk-operations.ts';
import type { JobSearch } from './job-search.ts';
import { readRowPage } from './row-page.ts';
import type { BulkOperationRow, HistorySchema } from './schema.ts';
import { noteAudit } from './sql-audit.ts';
import type { SqlFlavour } from './sql-flavour.ts';

export interface BulkParts {
  readonly db: Kysely<HistorySchema>;
  readonly flavour: SqlFlavour;
  readonly search: Pick<JobSearch, 'list' | 'count'>;
}

type BulkName = Pick<BulkOperationRow, 'tenant' | 'bulk_id'>;

const OPEN_STATES: readonly BulkState[] = ['pending', 'running', 'stopping'];

export async function addBulkOperation(parts: BulkParts, operation: NewBulkOperation): Promise<BulkOperation> {
  const { bulk_id, verb, filter, requested_by, request_id } = operation;
  const total = await parts.search.count(filter);
  const row = {
    ...{ tenant: filter.tenant, bulk_id, verb, filter: JSON.stringify(filter), requested_by, request_id },
    ...{ state: 'pending' as const, cursor: '', batch: null, total },
    ...{ matched: 0, changed: 0, skipped: 0, failed: 0, error: null },
    ...{ created_at: new Date().toISOString(), started_at: null, finished_at: null },
  };
  await parts.flavour.transaction(parts.db, async (trx) => {
    await trx.insertInto('bulk_operations').values(row).execute();
    await noteAudit(trx, auditOf(row, { verb: `bulk.${verb}`, counts: { total } }));
  });
  return toBulkOperation(row);
}

export async function findBulkOperation(
  { db }: BulkParts,
  tenant: string,
  bulkId: string,
): Promise<BulkOperation | undefined> {
  const row = await operationByName(db, { tenant, bulk_id: bulkId }).executeTakeFirst();
  return row && toBulkOperation(row);
}

export async function listBulkOperations({ db }: BulkParts, tenant: string, page: PageDemand): Promise<BulkPage> {
  const ofTenant = db.selectFrom('bulk_operations').selectAll().where('tenant', '=', tenant);
  const { rows, nextCursor } = await readRowPage(ofTenant, 'row', page);
  return { operations: rows.map(toBulkOperation), nextCursor };
}

export async function openBulkOperations({ db }: BulkParts): Promise<readonly BulkOperation[]> {
  const rows = await db
    .selectFrom('bulk_operations')
    .selectAll()
    .where('state', 'in', OPEN_STATES)
    .orderBy('id')
    .execute();
  return rows.map(toBulkOperation);
}

export async function takeBulkBatch(
  parts: BulkParts,
  operation: BulkOperation,
  limit: number,
): Promise<BulkBatch | undefined> {
  for (;;) {
    const row = await operationByName(parts.db, nameOf(operation)).executeTakeFirstOrThrow();
    if (row.batch !== null) return JSON.parse(row.batch);
    if (!OPEN_STATES.includes(row.state)) return undefined;
    const batch = await nextBatch(parts, row, limit);
    // when another has taken or ended something in between, it is looked at anew
    if (!(await keepBatch(parts, row, batch))) continue;
    if (batch.jobIds.length > 0) return batch;
    await endBulkBatch(parts, operation, { batch, told: { changed: 0, skipped: 0, failed: 0 } });
  }
}

export async function endBulkBatch(
  { db, flavour }: BulkParts,
  operation: BulkOperation,
  { batch, told }: { readonly batch: BulkBatch; readonly told: BulkTold },
): Promise<boolean> {
  const { changed, skipped, failed, error } = told;
  return flavour.transaction(db, async (trx) => {
    const row = await changeOperation(trx, nameOf(operation))
      .set((eb) => ({
        ...{ batch: null, cursor: batch.next ?? '', matched: eb('matched', '+', batch.jobIds.length) },
        ...{ changed: eb('changed', '+', changed), skipped: eb('skipped', '+', skipped) },
        ...{ failed: eb('failed', '+', failed), ...(error !== undefined && { error }) },
      }))
      .where('cursor', '=', batch.cursor)
      .where('batch', 'is not', null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return false;
    if (row.state === 'stopping') await end(trx, row, 'stopped');
    else if (batch.next === null) await end(trx, row, 'completed');
    return true;
  });
}

export async function stopBulkOperation(
  { db, flavour }: BulkParts,
  operation: BulkName,
  by: AuditAuthor,
): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const row = await changeOperation(trx, operation)
      .set({ state: 'stopping' })
      .where('state', 'in', ['pending', 'running'])
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return false;
    await noteAudit(trx, { ...auditOf(row, { verb: 'bulk.stop', counts: countsOf(row) }), ...by });
    if (row.batch === null) await end(trx, row, 'stopped');
    return true;
  });
}

async function nextBatch(
  { search }: BulkParts,
  { filter, cursor }: BulkOperationRow,
  limit: number,
): Promise<BulkBatch> {
  const page = await search.list(JSON.parse(filter), { limit, ...(cursor !== '' && { cursor }) });
  return { cursor, next: page.nextCursor, jobIds: page.jobs.map(({ job_id }) => job_id) };
}

/** `false` when another was quicker. */
async function keepBatch({ db, flavour }: BulkParts, row: BulkOperationRow, batch: BulkBatch): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const { numUpdatedRows } = await changeOperation(trx, row)
      .set({ batch: JSON.stringify(batch), state: 'running', started_at: row.started_at ?? new Date().toISOString() })
      .where('cursor', '=', row.cursor)
      .where('batch', 'is', null)
      .where('state', '=', row.state)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  });
}

async function end(trx: Transaction<HistorySchema>, row: BulkOperationRow, state: BulkState): Promise<void> {
  await changeOperation(trx, row).set({ state, finished_at: new Date().toISOString() }).execute();
  await noteAudit(trx, auditOf(row, { verb: `bulk.${row.verb}.${state}`, counts: countsOf(row) }));
}

function nameOf({ filter: { tenant }, bulk_id }: BulkOperation): BulkName {
  return { tenant, bulk_id };
}

function operationByName(db: Kysely<HistorySchema>, { tenant, bulk_id }: BulkName) {
  return db.selectFrom('bulk_operations').selectAll().where('tenant', '=', tenant).where('bulk_id', '=', bulk_id);
}

function changeOperation(db: Kysely<HistorySchema>, { tenant, bulk_id }: BulkName) {
  return db.updateTable('bulk_operations').where('tenant', '=', tenant).where('bulk_id', '=', bulk_id);
}

function auditOf(
  { tenant, bulk_id, filter, requested_by: who, request_id }: Omit<BulkOperationRow, 'id'>,
  what: Pick<AuditEntry, 'verb' | 'counts'>,
): Omit<AuditEntry, 'time'> {
  return { tenant, who, request_id, target: { bulk_id, filter: JSON.parse(filter) }, ...what };
}

function countsOf({ matched, changed, skipped, failed }: BulkOperationRow): AuditEntry['counts'] {
  return { matched, changed, skipped, failed };
}

function toBulkOperation(row: Omit<BulkOperationRow, 'id'> & { readonly id?: number }): BulkOperation {
  const { id, tenant, cursor, batch, filter, ...operation } = row;
  return { ...operation, filter: JSON.parse(filter) };
}
