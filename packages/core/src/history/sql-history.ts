import type { Kysely } from 'kysely';
import type { Lease, LeaseRecord } from '../coordination/leases.ts';
import type { QueueEpoch } from '../coordination/queue-epoch.ts';
import type { ErrorClass } from '../job/error-class.ts';
import type { JobEvent } from '../job/event.ts';
import type { JobError, ResultDocument } from '../job/result.ts';
import type { QueuedJob } from '../queue/job-queue.ts';
import type { ArtifactRecord } from './artifact-ledger.ts';
import type { AuditAuthor, AuditEntry, AuditPage, PageDemand } from './audit-log.ts';
import type { BulkBatch, BulkOperation, BulkPage, BulkTold, NewBulkOperation } from './bulk-operations.ts';
import type { CancelAnswer, OpenCancelPage } from './cancellation.ts';
import type { DatabaseFacts } from './database-facts.ts';
import { isDatabaseFault } from './database-fault.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterPage } from './dead-letters.ts';
import { GroupCommit } from './group-commit.ts';
import type { EndedJobs } from './job-archive.ts';
import { findKnownJob, keyOfJob } from './job-by-id.ts';
import type { Acceptance, AcceptedJob, AttemptRecord, JobHistory, JobRecord } from './job-history.ts';
import type { BoundedCount, JobFilter, JobPage, JobPageRequest, StatusCounts } from './job-search.ts';
import { type MigrationOptions, migrateToLatest } from './migrations/migrate.ts';
import { type NewJob, toAttemptRecord, toEvent, toNewJob } from './rows.ts';
import type { HistorySchema } from './schema.ts';
import { acceptJobs } from './sql-acceptance.ts';
import { archiveJobs, deleteArchivedJobs } from './sql-archive.ts';
import { findArtifacts, findOwnedArtifacts } from './sql-artifacts.ts';
import { listAudit, noteAudit } from './sql-audit.ts';
import {
  addBulkOperation,
  type BulkParts,
  endBulkBatch,
  findBulkOperation,
  listBulkOperations,
  openBulkOperations,
  stopBulkOperation,
  takeBulkBatch,
} from './sql-bulk-operations.ts';
import { type CancelDemand, type EndDemand, endAllUnheld, openCancels, requestCancels } from './sql-cancellation.ts';
import { databaseFacts } from './sql-database-facts.ts';
import {
  claimRequeue,
  countDeadLetters,
  findDeadLetter,
  listDeadLetters,
  purgeDeadLetter,
} from './sql-dead-letters.ts';
import { purgeJobs } from './sql-deletion.ts';
import type { SqlFlavour } from './sql-flavour.ts';
import { acquireLease, findLease, releaseLease, renewLease } from './sql-leases.ts';
import { countNotEnqueued, notEnqueued, takeFromOutbox } from './sql-outbox.ts';
import { publishedLately } from './sql-published.ts';
import { queueEpoch, rememberQueueEpoch } from './sql-queue-epoch.ts';
import {
  countByStatus,
  countJobs,
  countSome,
  listJobs,
  SEARCH_BOUNDS,
  type SearchBounds,
  type SearchParts,
} from './sql-search.ts';
import { overdue, takeBack } from './sql-time-limits.ts';
import { queuedJobs, unfinished, unfinishedAmong } from './sql-unfinished.ts';
import type { OverdueJob, OverdueQuery } from './time-limits.ts';
import type { UnfinishedJob, UnfinishedPage } from './unfinished-jobs.ts';
import { writeEvents } from './write-events.ts';

export interface SqlHistoryOptions extends Pick<MigrationOptions, 'migrate'> {
  readonly searchBounds?: SearchBounds;
}

/** Brings the tables up to date. The connection belongs to the history from here on, and ends with it. */
export async function openSqlHistory(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  { searchBounds = SEARCH_BOUNDS, ...migration }: SqlHistoryOptions = {},
): Promise<JobHistory> {
  try {
    await migrateToLatest(db, flavour, migration);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return new SqlHistory(db, flavour, searchBounds);
}

/** Rows of one statement; each has about twenty columns, and SQLite binds at most 32,766 values. */
const MAX_GROUP = 500;
/** Events of one statement: of three a job. */
const MAX_EVENTS = 2_000;
/** Marks wait for others: nobody waits for them. */
const GATHER_MARKS_MS = 50;

/** Others wait while the rows of these are held. */
const MAX_CANCELS = 100;

type Mark = readonly [tenant: string, jobIds: readonly string[]];

class SqlHistory implements JobHistory {
  readonly #db: Kysely<HistorySchema>;
  readonly #flavour: SqlFlavour;
  readonly #bulkParts: BulkParts;
  readonly #searchParts: SearchParts;
  readonly #acceptances: GroupCommit<NewJob, Acceptance>;
  readonly #marks: GroupCommit<Mark, undefined>;
  readonly #cancels: GroupCommit<CancelDemand, CancelAnswer | undefined>;
  readonly #ends: GroupCommit<EndDemand, boolean>;

  constructor(db: Kysely<HistorySchema>, flavour: SqlFlavour, bounds: SearchBounds) {
    this.#searchParts = { db, flavour, bounds };
    this.#db = db;
    this.#flavour = flavour;
    this.#bulkParts = { db, flavour, search: this };
    this.#acceptances = new GroupCommit({
      commit: (jobs) => flavour.transaction(db, (trx) => acceptJobs(trx, flavour, jobs)),
      maxItems: MAX_GROUP,
      writers: flavour.writers,
      isOwedToOne: (error) => !isDatabaseFault(error),
    });
    this.#marks = new GroupCommit({
      commit: (marks) => this.#writeMarks(marks),
      maxItems: MAX_GROUP,
      gatherMs: GATHER_MARKS_MS,
    });
    this.#cancels = new GroupCommit({
      commit: (demands) => requestCancels(db, flavour, demands),
      maxItems: MAX_CANCELS,
    });
    this.#ends = new GroupCommit({ commit: (demands) => endAllUnheld(db, flavour, demands), maxItems: MAX_CANCELS });
  }

  async accept(job: AcceptedJob): Promise<Acceptance> {
    return this.#acceptances.add(toNewJob(job));
  }

  async markEnqueued(tenant: string, jobIds: readonly string[]): Promise<void> {
    await Promise.all(chunksOf(MAX_GROUP, jobIds).map((part) => this.#marks.add([tenant, part])));
  }

  countNotEnqueued(atMost: number): Promise<number> {
    return countNotEnqueued(this.#db, atMost);
  }

  notEnqueued(acceptedBeforeMs: number, limit: number): Promise<readonly AcceptedJob[]> {
    return notEnqueued(this.#db, acceptedBeforeMs, limit);
  }

  async record(events: readonly JobEvent[]): Promise<void> {
    await this.#flavour.transaction(this.#db, async (trx) => {
      for (const part of chunksOf(MAX_EVENTS, events)) await writeEvents(trx, part, this.#flavour);
    });
  }

  requestCancel(tenant: string, jobId: string, reason: string): Promise<CancelAnswer | undefined> {
    return this.#cancels.add({ tenant, jobId, reason });
  }

  openCancels(page: { readonly limit: number; readonly after?: number }): Promise<OpenCancelPage> {
    return openCancels(this.#db, page);
  }

  endUnheld(tenant: string, jobId: string, error: JobError): Promise<boolean> {
    return this.#ends.add({ tenant, jobId, error });
  }

  overdue(query: OverdueQuery): Promise<readonly OverdueJob[]> {
    return overdue(this.#db, query);
  }

  takeBack(tenant: string, jobId: string, attempt: number): Promise<boolean> {
    return takeBack(this.#db, this.#flavour, { tenant, jobId, attempt });
  }

  async find(tenant: string, jobId: string): Promise<JobRecord | undefined> {
    return (await findKnownJob(this.#db, tenant, jobId))?.record;
  }

  list(filter: JobFilter, page: JobPageRequest): Promise<JobPage> {
    return listJobs(this.#searchParts, filter, page);
  }

  count(filter: JobFilter): Promise<number> {
    return countJobs(this.#searchParts, filter);
  }

  countSome(filter: JobFilter): Promise<BoundedCount> {
    return countSome(this.#searchParts, filter);
  }

  countByStatus(filter: JobFilter): Promise<StatusCounts> {
    return countByStatus(this.#searchParts, filter);
  }

  archive(jobs: EndedJobs): Promise<number> {
    return archiveJobs(this.#db, this.#flavour, jobs);
  }

  deleteArchived(jobs: EndedJobs): Promise<number> {
    return deleteArchivedJobs(this.#db, this.#flavour, jobs);
  }

  async result(tenant: string, jobId: string): Promise<ResultDocument | undefined> {
    const row = await this.#db
      .selectFrom('results')
      .select('document')
      .where('job', 'in', keyOfJob(tenant, jobId))
      .executeTakeFirst();
    return row && JSON.parse(row.document);
  }

  async attempts(tenant: string, jobId: string): Promise<readonly AttemptRecord[]> {
    const rows = await this.#db
      .selectFrom('attempts')
      .selectAll()
      .where('job', 'in', keyOfJob(tenant, jobId))
      .orderBy('attempt')
      .execute();
    return rows.map(toAttemptRecord);
  }

  async events(
    tenant: string,
    jobId: string,
    { after = -1, limit }: { readonly after?: number; readonly limit: number },
  ): Promise<readonly JobEvent[]> {
    const rows = await this.#db
      .selectFrom('events')
      .leftJoin('results', (join) => join.onRef('results.job', '=', 'events.job').on('events.type', '=', 'finished'))
      .selectAll('events')
      .select('results.document as result')
      .where('events.job', 'in', keyOfJob(tenant, jobId))
      .where('events.sequence', '>', after)
      .orderBy('events.sequence')
      .limit(limit)
      .execute();
    return rows.map(({ result, ...row }) => toEvent(row, tenant, jobId, result));
  }

  databaseFacts(): Promise<DatabaseFacts> {
    return databaseFacts(this.#db, this.#flavour);
  }

  publishedLately(withinMs: number): ReturnType<JobHistory['publishedLately']> {
    return publishedLately(this.#db, withinMs);
  }

  unfinished(page: UnfinishedPage): Promise<readonly UnfinishedJob[]> {
    return unfinished(this.#db, page);
  }

  unfinishedAmong(tenant: string, jobIds: readonly string[]): Promise<readonly UnfinishedJob[]> {
    return unfinishedAmong(this.#db, tenant, jobIds);
  }

  queuedJobs(positions: readonly number[]): Promise<readonly QueuedJob[]> {
    return queuedJobs(this.#db, this.#flavour, positions);
  }

  queueEpoch(): Promise<QueueEpoch | undefined> {
    return queueEpoch(this.#db);
  }

  rememberQueueEpoch(epoch: QueueEpoch): Promise<void> {
    return rememberQueueEpoch(this.#db, this.#flavour, epoch);
  }

  acquireLease(name: string, holder: string, timeToLiveMs: number): Promise<Lease | undefined> {
    return acquireLease(this.#db, this.#flavour, { name, holder, timeToLiveMs });
  }

  renewLease(lease: Lease, timeToLiveMs: number): Promise<boolean> {
    return renewLease(this.#db, this.#flavour, lease, timeToLiveMs);
  }

  releaseLease(lease: Lease): Promise<void> {
    return releaseLease(this.#db, this.#flavour, lease);
  }

  findLease(name: string): Promise<LeaseRecord | undefined> {
    return findLease(this.#db, this.#flavour, name);
  }

  addBulkOperation(operation: NewBulkOperation): Promise<BulkOperation> {
    return addBulkOperation(this.#bulkParts, operation);
  }

  findBulkOperation(tenant: string, bulkId: string): Promise<BulkOperation | undefined> {
    return findBulkOperation(this.#bulkParts, tenant, bulkId);
  }

  listBulkOperations(tenant: string, page: PageDemand): Promise<BulkPage> {
    return listBulkOperations(this.#bulkParts, tenant, page);
  }

  openBulkOperations(): Promise<readonly BulkOperation[]> {
    return openBulkOperations(this.#bulkParts);
  }

  takeBulkBatch(operation: BulkOperation, limit: number): Promise<BulkBatch | undefined> {
    return takeBulkBatch(this.#bulkParts, operation, limit);
  }

  endBulkBatch(operation: BulkOperation, batch: BulkBatch, told: BulkTold): Promise<boolean> {
    return endBulkBatch(this.#bulkParts, operation, { batch, told });
  }

  stopBulkOperation(tenant: string, bulk_id: string, by: AuditAuthor): Promise<boolean> {
    return stopBulkOperation(this.#bulkParts, { tenant, bulk_id }, by);
  }

  purgeJobs(tenant: string, jobIds: readonly string[]): Promise<readonly string[]> {
    return this.#flavour.transaction(this.#db, (trx) => purgeJobs(trx, this.#flavour, tenant, jobIds));
  }

  noteAudit(entry: Omit<AuditEntry, 'time'>): Promise<void> {
    return noteAudit(this.#db, entry);
  }

  listAudit(tenant: string, page: PageDemand): Promise<AuditPage> {
    return listAudit(this.#db, tenant, page);
  }

  artifacts(tenant: string, jobId: string): Promise<readonly ArtifactRecord[]> {
    return findArtifacts(this.#db, tenant, jobId);
  }

  ownedArtifacts(keys: readonly string[]): Promise<ReadonlySet<string>> {
    return findOwnedArtifacts(this.#db, keys);
  }

  listDeadLetters(
    filter: DeadLetterFilter,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<DeadLetterPage> {
    return listDeadLetters(this.#db, filter, page);
  }

  countDeadLetters(filter: DeadLetterFilter): Promise<ReadonlyMap<ErrorClass, number>> {
    return countDeadLetters(this.#db, filter);
  }

  findDeadLetter(tenant: string, jobId: string): Promise<DeadLetter | undefined> {
    return findDeadLetter(this.#db, tenant, jobId);
  }

  claimRequeue(tenant: string, jobId: string, newJobId: string): Promise<DeadLetter | undefined> {
    return claimRequeue(this.#db, this.#flavour, { tenant, jobId, newJobId });
  }

  purgeDeadLetter(tenant: string, jobId: string): Promise<boolean> {
    return purgeDeadLetter(this.#db, tenant, jobId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const groups = [this.#acceptances, this.#marks, this.#cancels, this.#ends];
    await Promise.all(groups.map((group) => group.settled()));
    await this.#db.destroy();
  }

  /** A mark that is lost does no harm: the job is enqueued again, which changes nothing. */
  async #writeMarks(marks: readonly Mark[]): Promise<readonly undefined[]> {
    await this.#flavour.withoutWaitingForDisk(this.#db, async (trx) => {
      for (const [tenant, group] of Map.groupBy(marks, ([tenant]) => tenant)) {
        const jobIds = group.flatMap(([, jobIds]) => jobIds);
        await takeFromOutbox(trx, this.#flavour, tenant, jobIds);
      }
    });
    return marks.map(() => undefined);
  }
}

function chunksOf<Item>(size: number, items: readonly Item[]): readonly (readonly Item[])[] {
  const chunks = Math.ceil(items.length / size);
  return Array.from({ length: chunks }, (_, index) => items.slice(index * size, (index + 1) * size));
}
