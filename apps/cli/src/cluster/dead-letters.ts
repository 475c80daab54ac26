import { printable } from '@guestkit/operations/report/printable';
import { renderTable } from '@guestkit/operations/report/table';
import { CommandError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ClientOptions, DeadLetterListOptions, RequeueOptions } from './guestkit-worker.ts';
import { labelPairs } from './job-filter.ts';

/** What an API node tells of a dead letter; members that no command shows are left out. */
interface DeadLetter {
  readonly job_id: string;
  readonly operation: string;
  readonly name: string | null;
  readonly class: string;
  readonly because: string;
  readonly status: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly attempts: number;
  readonly died_at: string;
  readonly requeued_as: string | null;
}

interface DeadLetterStatus extends DeadLetter {
  readonly history: readonly Attempt[];
}

interface Attempt {
  readonly attempt: number;
  readonly worker_id: string;
  readonly started_at: string;
  readonly outcome: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

interface DeadLetterList {
  readonly dead_letters: readonly DeadLetter[];
  readonly total: number;
}

interface Requeued {
  readonly job_id: string;
  readonly requeued_from: string;
  readonly duplicate?: true;
}

export async function listDeadLetters(options: DeadLetterListOptions): Promise<void> {
  const { class: classes, operation, error, since, until, limit, all } = options;
  const label = labelPairs(options.label ?? {});
  const state = all === true ? undefined : 'open';
  const query = { class: classes, operation, error, label, state, died_since: since, died_until: until, limit };
  const letters = await new ApiClient(options).get<DeadLetterList>('list dead letters', '/api/v1/dead-letters', query);
  await print(options.output, letters, renderList);
}

export async function showDeadLetter(id: string, options: ClientOptions): Promise<void> {
  const letter = await new ApiClient(options).get<DeadLetterStatus>(`show dead letter "${id}"`, pathOf(id));
  await print(options.output, letter, renderLetter);
}

export async function requeueDeadLetter(id: string, options: RequeueOptions): Promise<void> {
  const data = parse('--data', options.data);
  const execution = parse('--execution', options.execution);
  const edits = { ...(data !== undefined && { payload: { data } }), ...(execution !== undefined && { execution }) };
  const client = new ApiClient(options);
  const requeued = await client.post<Requeued>(`requeue job "${id}"`, pathOf(id, '/requeue'), JSON.stringify(edits));
  await print(options.output, requeued, ({ job_id, duplicate }) => {
    return `${printable(job_id)} submitted${duplicate === true ? ' (was requeued before)' : ''}\n`;
  });
}

export async function purgeDeadLetter(id: string, options: ClientOptions): Promise<void> {
  const client = new ApiClient(options);
  const purged = await client.post<{ job_id: string }>(`purge dead letter "${id}"`, pathOf(id, '/purge'), '{}');
  await print(options.output, purged, ({ job_id }) => `${printable(job_id)} is no dead letter any more\n`);
}

function pathOf(id: string, part = ''): string {
  return `/api/v1/dead-letters/${encodeURIComponent(id)}${part}`;
}

function parse(option: string, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError('usage', `Cannot read ${option}: expected JSON`, { cause });
  }
}

function renderList({ dead_letters, total }: DeadLetterList): string {
  if (dead_letters.length === 0) return 'No dead letters\n';
  const table = renderTable<DeadLetter>(
    [
      { title: 'JOB', cell: (letter) => letter.job_id },
      { title: 'OPERATION', cell: (letter) => letter.operation },
      { title: 'CLASS', cell: (letter) => letter.class },
      { title: 'CODE', cell: (letter) => letter.error?.code ?? null },
      { title: 'ATTEMPTS', align: 'right', cell: (letter) => letter.attempts },
      { title: 'DIED', cell: (letter) => letter.died_at },
      { title: 'REQUEUED AS', cell: (letter) => letter.requeued_as },
      { title: 'NAME', cell: (letter) => letter.name },
    ],
    dead_letters,
  );
  return dead_letters.length < total ? `${table}${dead_letters.length} of ${total} dead letters\n` : table;
}

const REASONS: Readonly<Record<string, string>> = {
  class: 'errors of this class were not to be retried',
  attempts: 'it had all the attempts it may have',
  deadline: 'another attempt would have come after its deadline',
};

function renderLetter(letter: DeadLetterStatus): string {
  const { error, history } = letter;
  const lines: readonly (readonly [string, string | null])[] = [
    ['job', letter.job_id],
    ['name', letter.name],
    ['operation', letter.operation],
    ['died', `${letter.died_at} (${letter.status})`],
    ['class', `${letter.class}: ${REASONS[letter.because] ?? letter.because}`],
    ['error', error && `${error.code}: ${error.message}`],
    ['requeued as', letter.requeued_as],
  ];
  const shown = lines.flatMap(([name, value]) =>
    value === null ? [] : [`${`${name}:`.padEnd(13)}${printable(value)}\n`],
  );
  const attempts = renderTable<Attempt>(
    [
      { title: 'ATTEMPT', align: 'right', cell: (attempt) => attempt.attempt },
      { title: 'OUTCOME', cell: (attempt) => attempt.outcome },
      { title: 'STARTED', cell: (attempt) => attempt.started_at },
      { title: 'WORKER', cell: (attempt) => attempt.worker_id },
      { title: 'ERROR', cell: (attempt) => attempt.error && `${attempt.error.code}: ${attempt.error.message}` },
    ],
    history,
  );
  return history.length === 0 ? shown.join('') : `${shown.join('')}\n${attempts}`;
}
