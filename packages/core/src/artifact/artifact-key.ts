/** Where the artifacts of attempts lie in the store. */
export const ARTIFACTS_FOLDER = 'artifacts/';

export interface ArtifactOwner {
  readonly tenant: string;
  readonly jobId: string;
  readonly attempt: number;
  /** Unlike that of any other delivery of the job, so that a late one overwrites nothing. */
  readonly token: string;
}

export function artifactKey({ tenant, jobId, attempt, token }: ArtifactOwner, name: string): string {
  return `${ARTIFACTS_FOLDER}${tenant}/${jobId}/${attempt}-${token}/${name}`;
}
