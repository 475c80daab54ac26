import type { ResultDocument } from '@guestkit/core/job/result';
import { renderInspectReport } from '@guestkit/operations/inspect/report';
import type { InspectResult } from '@guestkit/operations/inspect/run';
import { printable } from '@guestkit/operations/report/printable';
import { CommandError, type Ending } from '../exit-code.ts';
import { toJson } from '../output/json.ts';
import { type OutputFormat, print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ClientOptions } from './guestkit-worker.ts';
import { fetchResult } from './job.ts';

const ENDING_OF_STATUS: Readonly<Record<ResultDocument['status'], Ending>> = {
  completed: 'ok',
  failed: 'job-failed',
  timeout: 'job-timeout',
  cancelled: 'job-cancelled',
};

export async function result(id: string, options: ClientOptions): Promise<void> {
  await printResult(await fetchResult(new ApiClient(options), id), options.output);
}

/** Prints the result of a job. @throws CommandError when the job did not succeed, after what there is has been printed */
export async function printResult(document: ResultDocument, output: OutputFormat): Promise<void> {
  const { job_id, status, error } = document;
  if (output !== 'table' || status === 'completed') await print(output, document, render);
  const ending = ENDING_OF_STATUS[status];
  if (ending === 'ok') return;
  const reason = error === undefined ? `it ended as ${status}` : `${error.message} (${error.code})`;
  throw new CommandError(ending, `Cannot finish job "${job_id}": ${reason}`, { details: error });
}

function render({ job_id, worker_id, execution_summary, outputs, data }: ResultDocument): string {
  const { attempt, duration_ms } = execution_summary;
  const head = `${job_id} completed in ${duration_ms} ms (attempt ${attempt} on ${worker_id})`;
  const file = outputs?.primary === undefined ? [] : [`written to ${outputs.primary}`];
  return `${[head, ...file].map(printable).join('\n')}\n\n${renderData(data)}`;
}

/** The report of an inspection; what other operations found, as data. */
function renderData(data: unknown): string {
  return isInspectResult(data) ? renderInspectReport(data.inspect) : toJson(data ?? null);
}

function isInspectResult(data: unknown): data is InspectResult {
  return typeof data === 'object' && data !== null && 'inspect' in data && 'summary' in data;
}
