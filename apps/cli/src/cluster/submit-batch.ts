import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { splitJsonArray } from '@guestkit/core/job/json-array';
import { StrictJsonError } from '@guestkit/core/job/strict-json';
import { printable } from '@guestkit/operations/report/printable';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { SubmitOptions } from './guestkit-worker.ts';

type Status = 'created' | 'duplicate' | 'conflict' | 'invalid' | 'failed';

interface ItemResult {
  readonly index: number;
  readonly status: Status;
  readonly job_id: string | null;
  readonly error?: { readonly code: string; readonly message: string };
}

interface BatchAnswer {
  readonly items: readonly ItemResult[];
  readonly stopped: { readonly message: string } | null;
}

interface Summary {
  readonly counts: Record<Status, number>;
  readonly failures: ItemResult[];
}

/** Documents of one request: few enough to be told of soon, many enough to be quick. */
const GROUP_DOCUMENTS = 1_000;
const GROUP_LENGTH = 8 * 1024 * 1024;
const SHOWN_FAILURES = 20;

/** Posts a JSON array of documents, or one document a line, however many, and tells what became of them. */
export async function submitBatch(file: string, options: SubmitOptions): Promise<void> {
  const client = new ApiClient(options);
  const summary: Summary = { counts: { created: 0, duplicate: 0, conflict: 0, invalid: 0, failed: 0 }, failures: [] };
  let posted = 0;
  for await (const group of groupsOf(documentsOf(file))) {
    await postGroup(client, group, { summary, posted });
    posted += group.length;
  }
  await print(options.output, summary, describe);
  for (const failure of summary.failures.slice(0, SHOWN_FAILURES))
    note(`document ${failure.index}: ${reasonOf(failure)}`);
  const more = summary.failures.length - SHOWN_FAILURES;
  if (more > 0) note(`and ${more} more`);
  if (summary.failures.length > 0) throw refused(summary.failures.length, posted);
}

async function postGroup(
  client: ApiClient,
  group: readonly string[],
  { summary, posted }: { readonly summary: Summary; readonly posted: number },
): Promise<void> {
  const action = `submit documents ${posted} to ${posted + group.length - 1}`;
  const answer = await client.post<BatchAnswer>(action, '/api/v1/jobs/batch', group.join('\n'), 'application/x-ndjson');
  for (const { index, ...item } of answer.items) {
    summary.counts[item.status] += 1;
    if (item.error !== undefined) summary.failures.push({ index: posted + index, ...item });
  }
  if (answer.stopped) throw new CommandError('unreachable', `Cannot ${action}: ${answer.stopped.message}`);
}

async function* groupsOf(documents: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let group: string[] = [];
  let length = 0;
  for await (const document of documents) {
    if (group.length === GROUP_DOCUMENTS || (group.length > 0 && length + document.length > GROUP_LENGTH)) {
      yield group;
      group = [];
      length = 0;
    }
    group.push(document);
    length += document.length;
  }
  if (group.length > 0) yield group;
}

/** The text of each document on one line; blank lines are passed over, as the API does. */
async function* documentsOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    yield* parted(input.setEncoding('utf8'));
  } catch (cause) {
    if (cause instanceof StrictJsonError) throw new CommandError('usage', `Cannot read "${file}": ${cause.message}`);
    if (cause instanceof Error && 'syscall' in cause && 'code' in cause) {
      throw new CommandError('io', `Cannot read "${file}": ${cause.code}`, { cause });
    }
    throw cause;
  }
}

/** An array is told from lines by its first character, and has to be read as a whole. */
async function* parted(input: Readable): AsyncGenerator<string> {
  let rest = '';
  let isArray: boolean | undefined;
  for await (const chunk of input) {
    rest += chunk;
    isArray ??= rest.trimStart() === '' ? undefined : rest.trimStart().startsWith('[');
    if (isArray) continue;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line.trim() !== '');
  }
  if (isArray) yield* splitJsonArray(rest).map(onOneLine);
  else if (rest.trim() !== '') yield rest;
}

/** Line breaks of JSON are between its tokens only: within strings they are escaped. */
function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]+/g, ' ');
}

function describe({ counts }: Summary): string {
  const told = Object.entries(counts).filter(([status, count]) => count > 0 || status === 'created');
  return `${told.map(([status, count]) => `${count} ${status}`).join(', ')}\n`;
}

function reasonOf({ status, error }: ItemResult): string {
  return `${status}: ${error?.message}`;
}

function refused(failures: number, posted: number): CommandError {
  return new CommandError('refused', `Cannot submit ${failures} of ${posted} documents`);
}

function note(text: string): void {
  process.stderr.write(`guestkit-worker: ${printable(text)}\n`);
}
