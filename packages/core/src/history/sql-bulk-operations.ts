import type { Kysely, Transaction } from 'kysely';
import type { AuditAuthor, PageDemand } from './audit-log.ts';
import type { BulkBatch, BulkOperation, BulkPage, BulkState, BulkTold, NewBulkOperation } from './bulk-operations.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import type { JobFilter } from './job-history.ts';
import type { BulkOperationRow, HistorySchema } from './schema.ts';
import { noteAudit } from './sql-audit.ts';
import type { JobsQuery, SqlFlavour } from './sql-flavour.ts';

export interface BulkParts {
  readonly db: Kysely<HistorySchema>;
  readonly flavour: SqlFlavour;
  /** The jobs that a filter lets through. */
  readonly filtered: (db: Kysely<HistorySchema>, filter: JobFilter) => JobsQuery<object>;
}

type BulkName = Pick<BulkOperationRow, 'tenant' | 'bulk_id'>;

const OPEN_STATES: readonly BulkState[] = ['pending', 'running'];

export async function addBulkOperation(parts: BulkParts, operation: NewBulkOperation): Promise<BulkOperation> {
  const { bulk_id, verb, filter, requested_by, request_id } = operation;
  return parts.flavour.transaction(parts.db, async (trx) => {
    const { total, last_job } = await parts
      .filtered(trx, filter)
      .select((eb) => [eb.fn.countAll<number>().as('total'), eb.fn.max('id').as('last_job')])
      .executeTakeFirstOrThrow();
    const row = {
      ...{ tenant: filter.tenant, bulk_id, verb, filter: JSON.stringify(filter), requested_by, request_id },
      ...{ last_job: last_job ?? 0, cursor: 0, batch: null, total },
      ...{ matched: 0, changed: 0, skipped: 0, failed: 0, error: null },
      ...{ state: 'pending' as const, created_at: new Date().toISOString(), started_at: null, finished_at: null },
    };
    await trx.insertInto('bulk_operations').values(row).execute();
    const author = { who: requested_by, request_id };
    await noteAudit(trx, {
      ...{ ...author, tenant: filter.tenant, verb: `bulk.${verb}` },
      ...{ target: { bulk_id, filter }, counts: { total } },
    });
    return toBulkOperation(row);
  });
}

export async function findBulkOperation(
  { db }: BulkParts,
  tenant: string,
  bulkId: string,
): Promise<BulkOperation | undefined> {
  const row = await operationByName(db, { tenant, bulk_id: bulkId }).executeTakeFirst();
  return row && toBulkOperation(row);
}

export async function listBulkOperations(
  { db }: BulkParts,
  tenant: string,
  { limit, cursor }: PageDemand,
): Promise<BulkPage> {
  const before = cursor === undefined ? undefined : parseCursor(cursor);
  const rows = await db
    .selectFrom('bulk_operations')
    .selectAll()
    .where('tenant', '=', tenant)
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? 0))
    .orderBy('id', 'desc')
    // one more than asked for tells whether this is the last page
    .limit(limit + 1)
    .execute();
  const last = rows[limit - 1];
  return {
    operations: rows.slice(0, limit).map(toBulkOperation),
    nextCursor: last && rows.length > limit ? formatCursor(last.id) : null,
  };
}

export async function openBulkOperations({ db }: BulkParts): Promise<readonly BulkOperation[]> {
  const rows = await db
    .selectFrom('bulk_operations')
    .selectAll()
    .where((eb) => eb.or([eb('state', 'in', OPEN_STATES), eb('batch', 'is not', null)]))
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
    if (batch === undefined) await complete(parts, row);
    else if (await keepBatch(parts, row, batch)) return batch;
  }
}

export async function endBulkBatch(
  { db, flavour }: BulkParts,
  operation: BulkOperation,
  { batch, told }: { readonly batch: BulkBatch; readonly told: BulkTold },
): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const { numUpdatedRows } = await changeOperation(trx, nameOf(operation))
      .set((eb) => ({
        cursor: batch.next,
        batch: null,
        matched: eb('matched', '+', batch.jobIds.length),
        changed: eb('changed', '+', told.changed),
        skipped: eb('skipped', '+', told.skipped),
        failed: eb('failed', '+', told.failed),
        ...(told.error !== undefined && { error: told.error }),
      }))
      .where('cursor', '=', batch.cursor)
      .where('batch', 'is not', null)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  });
}

export async function stopBulkOperation(
  { db, flavour }: BulkParts,
  operation: BulkName,
  by: AuditAuthor,
): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const row = await end(trx, operation, 'stopped').executeTakeFirst();
    if (row === undefined) return false;
    await noteAudit(trx, {
      ...by,
      tenant: row.tenant,
      verb: 'bulk.stop',
      target: targetOf(row),
      counts: countsOf(row),
    });
    return true;
  });
}

async function nextBatch(
  { db, filtered }: BulkParts,
  { filter, cursor, last_job }: BulkOperationRow,
  limit: number,
): Promise<BulkBatch | undefined> {
  const rows = await filtered(db, JSON.parse(filter))
    .select(['id', 'job_id'])
    .where('id', '>', cursor)
    .where('id', '<=', last_job)
    .orderBy('id')
    .limit(limit)
    .execute();
  const next = rows.at(-1)?.id;
  return next === undefined ? undefined : { cursor, next, jobIds: rows.map(({ job_id }) => job_id) };
}

async function keepBatch({ db, flavour }: BulkParts, row: BulkOperationRow, batch: BulkBatch): Promise<boolean> {
  return flavour.transaction(db, async (trx) => {
    const { numUpdatedRows } = await changeOperation(trx, row)
      .set({ batch: JSON.stringify(batch), state: 'running', started_at: row.started_at ?? new Date().toISOString() })
      .where('cursor', '=', row.cursor)
      .where('batch', 'is', null)
      .where('state', 'in', OPEN_STATES)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  });
}

async function complete({ db, flavour }: BulkParts, { cursor, ...operation }: BulkOperationRow): Promise<void> {
  await flavour.transaction(db, async (trx) => {
    const row = await end(trx, operation, 'completed')
      .where('cursor', '=', cursor)
      .where('batch', 'is', null)
      .executeTakeFirst();
    if (row === undefined) return;
    const { tenant, verb, requested_by: who, request_id } = row;
    const ended = { verb: `bulk.${verb}.completed`, target: targetOf(row), counts: countsOf(row) };
    await noteAudit(trx, { tenant, who, request_id, ...ended });
  });
}

/** Changes nothing when it has ended before. */
function end(trx: Transaction<HistorySchema>, operation: BulkName, state: 'completed' | 'stopped') {
  return changeOperation(trx, operation)
    .set({ state, finished_at: new Date().toISOString() })
    .where('state', 'in', OPEN_STATES)
    .returningAll();
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

function targetOf({ bulk_id, filter }: BulkOperationRow) {
  return { bulk_id, filter: JSON.parse(filter) };
}

function countsOf({ matched, changed, skipped, failed }: BulkOperationRow) {
  return { matched, changed, skipped, failed };
}

function toBulkOperation(row: Omit<BulkOperationRow, 'id'> & { readonly id?: number }): BulkOperation {
  const { id, tenant, last_job, cursor, batch, filter, ...operation } = row;
  return { ...operation, filter: JSON.parse(filter) };
}
