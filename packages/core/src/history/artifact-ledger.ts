import type { ArtifactReference } from '../job/artifact.ts';

export interface ArtifactRecord extends ArtifactReference {
  readonly attempt: number;
  readonly created_at: string;
}

/** Which objects of the artifact store belong to which job. Entries come with the events of attempts, and are refused like those. */
export interface ArtifactLedger {
  /** Ordered by name. */
  artifacts(tenant: string, jobId: string): Promise<readonly ArtifactRecord[]>;
  /** Of some keys, those that belong to a job. */
  ownedArtifacts(keys: readonly string[]): Promise<ReadonlySet<string>>;
}
