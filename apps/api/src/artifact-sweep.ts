import { ARTIFACTS_FOLDER } from '@guestkit/core/artifact/artifact-key';
import { CACHE_FOLDER, MAX_CACHE_HOURS } from '@guestkit/core/artifact/cache-key';
import type { Duty } from '@guestkit/core/coordination/duty';
import type { ApiParts } from './api-parts.ts';

const HOUR_MS = 3600 * 1000;
/** Objects looked up by one statement. */
const BATCH = 500;

export type SweepParts = Pick<ApiParts, 'config' | 'history' | 'artifacts' | 'metrics' | 'clock'>;

/**
 * Removes from the artifact store what belongs to no job, and what was cached long ago: of attempts that were overtaken or died before they could tell, and of
 * jobs that history does not have any more. What is young may still be told of.
 */
export function artifactSweepDuty(parts: SweepParts): Duty {
  return { name: 'artifact-sweep', everyMs: HOUR_MS, run: (signal) => sweep(parts, signal) };
}

async function sweep(parts: SweepParts, signal: AbortSignal): Promise<void> {
  await removeExpired(parts, signal);
  let batch: string[] = [];
  for await (const { key, modifiedAtMs } of parts.artifacts.list(ARTIFACTS_FOLDER)) {
    if (signal.aborted) return;
    if (modifiedAtMs > parts.clock() - parts.config.artifactGraceHours * HOUR_MS) continue;
    batch.push(key);
    if (batch.length < BATCH) continue;
    await removeUnowned(parts, batch);
    batch = [];
  }
  await removeUnowned(parts, batch);
}

/** Entries of the cache that no worker answers with any more. */
async function removeExpired({ artifacts, metrics, clock }: SweepParts, signal: AbortSignal): Promise<void> {
  for await (const { key, modifiedAtMs } of artifacts.list(CACHE_FOLDER)) {
    if (signal.aborted) return;
    if (modifiedAtMs > clock() - MAX_CACHE_HOURS * HOUR_MS) continue;
    await artifacts.delete([key]);
    metrics.artifactsSwept.inc();
  }
}

async function removeUnowned({ history, artifacts, metrics }: SweepParts, keys: readonly string[]): Promise<void> {
  const owned = await history.ownedArtifacts(keys);
  const unowned = keys.filter((key) => !owned.has(key));
  await artifacts.delete(unowned);
  metrics.artifactsSwept.inc(unowned.length);
}
