import { setTimeout as sleep } from 'node:timers/promises';
import { printable } from '@guestkit/operations/report/printable';
import type { ApiClient } from './api-client.ts';

/** What an API node tells of an operation on many jobs; members that no command shows are left out. */
export interface BulkOperation {
  readonly bulk_id: string;
  readonly verb: string;
  readonly state: string;
  readonly total: number;
  readonly matched: number;
  readonly changed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly error: string | null;
  readonly requested_by: string;
  readonly created_at: string;
  readonly finished_at: string | null;
}

const PAUSE_MS = 200;

export function bulkPath(id: string, part = ''): string {
  return `/api/v1/bulk/${encodeURIComponent(id)}${part}`;
}

export function fetchBulkOperation(client: ApiClient, id: string): Promise<BulkOperation> {
  return client.get<BulkOperation>(`read operation "${id}"`, bulkPath(id));
}

/** Tells on stderr how far an operation is, until it has ended. */
export async function watchBulkOperation(client: ApiClient, started: BulkOperation): Promise<BulkOperation> {
  let operation = started;
  for (let told = 0; operation.finished_at === null; await sleep(PAUSE_MS)) {
    if (operation.matched > told) process.stderr.write(`${printable(progressOf(operation))}\n`);
    told = operation.matched;
    operation = await fetchBulkOperation(client, operation.bulk_id);
  }
  return operation;
}

export function describeBulkOperation(operation: BulkOperation): string {
  const { bulk_id, verb, state, changed, skipped, failed, error } = operation;
  const counts = [`${changed} changed`, `${skipped} skipped`, `${failed} failed`].join(', ');
  return `${printable(`${bulk_id} (${verb}) ${state}: ${counts}${error === null ? '' : ` (${error})`}`)}\n`;
}

function progressOf({ matched, total, changed, skipped, failed }: BulkOperation): string {
  return `${matched} of about ${total} jobs: ${changed} changed, ${skipped} skipped, ${failed} failed`;
}
