import { setTimeout as sleep } from 'node:timers/promises';
import { printable } from '@guestkit/operations/report/printable';
import type { ApiClient } from './api-client.ts';
import { fetchStatus, hasEnded, type JobStatus, jobPath } from './job.ts';

const PAUSE_MS = 150;

interface JobEvents {
  readonly events: readonly JobEventView[];
  readonly next_after: number;
}

interface JobEventView {
  readonly sequence: number;
  readonly type: string;
  readonly attempt: number;
  readonly worker_id: string;
  readonly progress_percent?: number;
  readonly phase?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly status?: string;
}

/** Tells on stderr what happens to a job, until it has ended. */
export async function watchJob(client: ApiClient, id: string): Promise<JobStatus> {
  for (let after = -1; ; await sleep(PAUSE_MS)) {
    // asked for in this order, so that nothing said before the end is missed
    const job = await fetchStatus(client, id);
    after = await tellNews(client, id, after);
    if (hasEnded(job)) return job;
  }
}

async function tellNews(client: ApiClient, id: string, after: number): Promise<number> {
  const action = `read the progress of job "${id}"`;
  const { events, next_after } = await client.get<JobEvents>(action, jobPath(id, '/progress'), { after });
  for (const event of events) process.stderr.write(`${printable(describe(event))}\n`);
  return events.length === 0 ? after : tellNews(client, id, next_after);
}

function describe(event: JobEventView): string {
  if (event.type === 'progress') {
    const percent = event.progress_percent === undefined ? '    ' : `${String(event.progress_percent).padStart(3)}%`;
    return `${percent}  ${event.phase}: ${event.message}`;
  }
  const outcome = event.status ?? event.reason;
  return `   -  ${event.type}${outcome === undefined ? '' : ` (${outcome})`}: attempt ${event.attempt} on ${event.worker_id}`;
}
