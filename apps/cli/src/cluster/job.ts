import type { ResultDocument } from '@guestkit/core/job/result';
import { isFinal, type JobState } from '@guestkit/core/job/state';
import type { ApiClient } from './api-client.ts';

/** What an API node tells of a job; members that no command shows are left out. */
export interface JobStatus {
  readonly job_id: string;
  readonly operation: string;
  readonly name: string | null;
  readonly status: JobState;
  readonly detail: string | null;
  readonly priority: number;
  readonly pool: string;
  readonly worker_id: string | null;
  readonly attempt: number;
  readonly submitted_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export function jobPath(id: string, part = ''): string {
  return `/api/v1/jobs/${encodeURIComponent(id)}${part}`;
}

export function fetchStatus(client: ApiClient, id: string): Promise<JobStatus> {
  return client.get<JobStatus>(`read the status of job "${id}"`, jobPath(id));
}

export function fetchResult(client: ApiClient, id: string): Promise<ResultDocument> {
  return client.get<ResultDocument>(`read the result of job "${id}"`, jobPath(id, '/result'));
}

export function hasEnded({ status }: JobStatus): boolean {
  return isFinal(status);
}
