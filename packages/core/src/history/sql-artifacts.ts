import type { Kysely, Transaction } from 'kysely';
import type { JobEvent } from '../job/event.ts';
import type { ArtifactRecord } from './artifact-ledger.ts';
import type { ArtifactRow, HistorySchema } from './schema.ts';

/** Enters the artifacts that accepted events tell of. */
export async function insertArtifacts(trx: Transaction<HistorySchema>, events: readonly JobEvent[]): Promise<void> {
  const rows = events.flatMap(artifactRowsOf);
  if (rows.length === 0) return;
  await trx
    .insertInto('artifacts')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function findArtifacts(
  db: Kysely<HistorySchema>,
  tenant: string,
  jobId: string,
): Promise<readonly ArtifactRecord[]> {
  return db
    .selectFrom('artifacts')
    .select(['name', 'key', 'attempt', 'size_bytes', 'sha256', 'media_type', 'encoding', 'created_at'])
    .where('tenant', '=', tenant)
    .where('job_id', '=', jobId)
    .orderBy('name')
    .execute();
}

export async function findOwnedArtifacts(
  db: Kysely<HistorySchema>,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const rows = await db.selectFrom('artifacts').select('key').where('key', 'in', keys).execute();
  return new Set(rows.map(({ key }) => key));
}

/** Strikes out what belongs to jobs that are deleted: their objects then belong to nobody. */
export async function forgetArtifacts(
  trx: Transaction<HistorySchema>,
  jobs: readonly { readonly tenant: string; readonly job_id: string }[],
): Promise<void> {
  for (const [tenant, ofTenant] of Map.groupBy(jobs, (job) => job.tenant)) {
    const jobIds = ofTenant.map(({ job_id }) => job_id);
    await trx.deleteFrom('artifacts').where('tenant', '=', tenant).where('job_id', 'in', jobIds).execute();
  }
}

function artifactRowsOf(event: JobEvent): readonly ArtifactRow[] {
  if (event.type !== 'finished' || event.result.data_artifact === undefined) return [];
  const { tenant, job_id, attempt, timestamp } = event;
  const { name, key, size_bytes, sha256, media_type, encoding } = event.result.data_artifact;
  return [{ tenant, job_id, attempt, name, key, size_bytes, sha256, media_type, encoding, created_at: timestamp }];
}
