import type { Kysely } from 'kysely';
import type { AttemptRow, HistorySchema, JobRow } from './schema.ts';
import type { SqlFlavour } from './sql-flavour.ts';

/** The attempts of jobs, by the ids of those in the table of jobs. */
export async function attemptsOfJobs(
  db: Kysely<HistorySchema>,
  flavour: SqlFlavour,
  jobs: readonly Pick<JobRow, 'id' | 'attempt'>[],
): Promise<ReadonlyMap<number, readonly AttemptRow[]>> {
  const started = jobs.filter(({ attempt }) => attempt > 0).map(({ id }) => id);
  if (started.length === 0) return new Map();
  const ofStarted = db.selectFrom('attempts').selectAll().where(flavour.isAmong('job', started));
  return Map.groupBy(await ofStarted.orderBy('attempt').execute(), ({ job }) => job);
}
