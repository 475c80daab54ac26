import { type Kysely, type SelectQueryBuilder, sql, type Transaction } from 'kysely';
import type { ErrorClass } from '../job/error-class.ts';
import type { FinishedEvent } from '../job/event.ts';
import type { PageDemand } from './audit-log.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterPage } from './dead-letters.ts';
import { readRowPage } from './row-page.ts';
import type { DeadLetterRow, HistorySchema, JobRow } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

// Dead letters as rows of their own, which say of their jobs what they are looked for by.

/** A job at its end. */
export interface EndedJob {
  /** Its id in the table of jobs. */
  readonly job: number;
  readonly attempts: number;
  readonly end: FinishedEvent;
}

/** Writes the letters of those among the ended jobs that failed for good. */
export async function insertDeadLetters(trx: Transaction<HistorySchema>, ended: readonly EndedJob[]): Promise<void> {
  const dead = new Map(ended.filter(({ end }) => end.dead_letter).map((job) => [job.job, job]));
  if (dead.size === 0) return;
  const jobs = await trx
    .selectFrom('jobs')
    .select(['id', 'tenant', 'job_id', 'operation', 'pool', 'name', 'document'])
    .where('id', 'in', [...dead.keys()])
    .execute();
  const rows = jobs.flatMap(({ id, ...job }) => toLetterRows(job, dead.get(id)));
  await trx
    .insertInto('dead_letters')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function listDeadLetters(
  db: Kysely<HistorySchema>,
  filter: DeadLetterFilter,
  page: PageDemand,
): Promise<DeadLetterPage> {
  const { rows, nextCursor } = await readRowPage(filtered(db, filter).selectAll(), 'letter', page);
  return { letters: rows.map(toDeadLetter), nextCursor };
}

export async function countDeadLetters(
  db: Kysely<HistorySchema>,
  filter: DeadLetterFilter,
): Promise<ReadonlyMap<ErrorClass, number>> {
  const rows = await filtered(db, filter)
    .select(['class', (eb) => eb.fn.countAll<number>().as('letters')])
    .groupBy('class')
    .execute();
  return new Map(rows.map((row) => [row.class, Number(row.letters)]));
}

export async function findDeadLetter(
  db: Kysely<HistorySchema>,
  tenant: string,
  jobId: string,
): Promise<DeadLetter | undefined> {
  const row = await filtered(db, { tenant }).selectAll().where('job_id', '=', jobId).executeTakeFirst();
  return row && toDeadLetter(row);
}

export async function claimRequeue(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { tenant, jobId, newJobId }: { readonly tenant: string; readonly jobId: string; readonly newJobId: string },
): Promise<DeadLetter | undefined> {
  return flavour.transaction(db, async (trx) => {
    await trx
      .updateTable('dead_letters')
      .set({ requeued_as: newJobId, requeued_at: new Date().toISOString() })
      .where('tenant', '=', tenant)
      .where('job_id', '=', jobId)
      .where('requeued_as', 'is', null)
      .execute();
    return findDeadLetter(trx, tenant, jobId);
  });
}

export async function purgeDeadLetter(db: Kysely<HistorySchema>, tenant: string, jobId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('dead_letters')
    .where('tenant', '=', tenant)
    .where('job_id', '=', jobId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

type LettersQuery = SelectQueryBuilder<HistorySchema, 'dead_letters', object>;

function filtered(db: Kysely<HistorySchema>, filter: DeadLetterFilter): LettersQuery {
  const { tenant, state, operation, errorCode, labels = {}, died = {} } = filter;
  const isOpen = state?.length === 1 ? state[0] === 'open' : undefined;
  return Object.entries(labels).reduce<LettersQuery>(
    // case matters to `replace` in every database, as it does not to `like`
    (query, label) => query.where(sql<boolean>`replace(labels, ${lineOf(label)}, '') <> labels`),
    db
      .selectFrom('dead_letters')
      .where('tenant', '=', tenant)
      .$if(isOpen !== undefined, (query) => query.where('requeued_as', isOpen ? 'is' : 'is not', null))
      .$if(filter.class !== undefined, (query) => query.where('class', 'in', filter.class ?? []))
      .$if(operation !== undefined, (query) => query.where('operation', 'in', operation ?? []))
      .$if(errorCode !== undefined, (query) => query.where('error_code', 'in', errorCode ?? []))
      .$if(died.since !== undefined, (query) => query.where('died_at', '>=', died.since ?? ''))
      .$if(died.until !== undefined, (query) => query.where('died_at', '<', died.until ?? '')),
  );
}

type NamedJob = Pick<JobRow, 'tenant' | 'job_id' | 'operation' | 'pool' | 'name' | 'document'>;

function toLetterRows(
  { document, ...job }: NamedJob,
  ended: EndedJob | undefined,
): readonly Omit<DeadLetterRow, 'id'>[] {
  if (ended?.end.dead_letter === undefined) return [];
  const { result, timestamp, dead_letter: note } = ended.end;
  const labels: Readonly<Record<string, string>> = JSON.parse(document).metadata?.labels ?? {};
  return [
    {
      ...{ ...job, ...note, attempts: ended.attempts },
      labels: Object.entries(labels).map(lineOf).join(''),
      status: result.status,
      error_code: result.error?.code ?? null,
      error: result.error ? JSON.stringify(result.error) : null,
      died_at: new Date(result.failed_at ?? timestamp).toISOString(),
      ...{ requeued_as: null, requeued_at: null },
    },
  ];
}

/** A label as JSON on a line of its own, so that one is not found within another. */
function lineOf(label: readonly [string, string]): string {
  return `\n${JSON.stringify(label)}\n`;
}

function toDeadLetter({ id, error_code, labels, error, ...letter }: DeadLetterRow): DeadLetter {
  const lines = labels.split('\n').filter((line) => line !== '');
  return {
    ...letter,
    labels: Object.fromEntries(lines.map((line) => JSON.parse(line))),
    error: error === null ? null : JSON.parse(error),
  };
}
