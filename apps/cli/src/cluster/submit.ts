import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { FORMAT_NOT_CLAIMED } from '@guestkit/disk/claim';
import { printable } from '@guestkit/operations/report/printable';
import { CommandError } from '../exit-code.ts';
import { checkFormatOverride, type FormatOptions } from '../format-override.ts';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { SubmitOptions } from './guestkit-worker.ts';
import { fetchResult } from './job.ts';
import { printResult } from './result.ts';
import { watchJob } from './watch.ts';

interface Receipt {
  readonly job_id: string;
  readonly status: string;
  readonly duplicate?: boolean;
}

export async function submit(file: string | undefined, options: SubmitOptions): Promise<void> {
  if (options.batch !== undefined) return submitMany(options.batch, file, options);
  const document = file === undefined ? JSON.stringify(compose(options)) : await readDocument(file, options);
  const client = new ApiClient(options);
  const receipt = await client.post<Receipt>('submit the job', '/api/v1/jobs', document);
  if (options.wait === undefined) return print(options.output, receipt, describe);
  process.stderr.write(`${printable(receipt.job_id)}\n`);
  const job = await watchJob(client, receipt.job_id);
  await printResult(await fetchResult(client, job.job_id), options.output);
}

async function submitMany(batch: string, file: string | undefined, options: SubmitOptions): Promise<void> {
  const given = file ?? (['operation', 'image', 'data', 'wait'] as const).find((name) => options[name] !== undefined);
  if (given !== undefined)
    throw usage(`Cannot submit the batch "${batch}": it has whole documents, so "${given}" has no place`);
  await (await import('./submit-batch.ts')).submitBatch(batch, options);
}

function describe({ job_id, status, duplicate }: Receipt): string {
  return `${printable(job_id)} ${printable(status)}${duplicate === true ? ' (was known before)' : ''}\n`;
}

/** The text goes to the API as it is: the protocol's own reader judges it there. */
async function readDocument(file: string, options: SubmitOptions): Promise<string> {
  const given = (['operation', 'image', 'data'] as const).find((name) => options[name] !== undefined);
  if (given !== undefined) throw usage(`Cannot submit "${file}": it is a whole document, so --${given} has no place`);
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (cause) {
    throw new CommandError('io', `Cannot read the job document "${file}": ${codeOf(cause)}`, { cause });
  }
}

/** A partial document: the API fills in the envelope. */
function compose({ operation, name, label, priority, timeout, ...options }: SubmitOptions): unknown {
  if (operation === undefined) throw usage('Cannot submit a job: expected a document, or --operation');
  const metadata = name === undefined && label === undefined ? {} : { metadata: { name, labels: label } };
  return {
    operation,
    ...metadata,
    ...(priority === undefined && timeout === undefined ? {} : { execution: { priority, timeout_seconds: timeout } }),
    payload: { type: `${operation}.v1`, data: { ...imageOf(options), ...parseData(options.data) } },
  };
}

type SubmitImageOptions = FormatOptions & Pick<SubmitOptions, 'image'>;

/** The protocol wants a claim: where there is none, one that claims nothing, so that the content decides. */
function imageOf(options: SubmitImageOptions): object {
  checkFormatOverride(options);
  const { image, format = FORMAT_NOT_CLAIMED, allowFormatOverride } = options;
  const override = allowFormatOverride ? { allow_format_override: true } : {};
  return image === undefined ? {} : { image: { path: image, format, ...override } };
}

function parseData(data = '{}'): object {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // told below, like any other text that is no object
  }
  throw usage('Cannot read --data: expected a JSON object');
}

function usage(message: string): CommandError {
  return new CommandError('usage', message);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
