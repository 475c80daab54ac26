import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ResultDocument } from '@guestkit/core/job/result';
import pLimit from 'p-limit';
import { type Answer, get } from './client.ts';
import { jails, spinningJails } from './jails.ts';
import { openRedis } from './redis-command.ts';
import type { ApiNode, Stack } from './stack.ts';

// What is left when a run is over: in SQL, as the API tells it, on disk, in Redis, and among the processes.

export interface FinalJob {
  readonly job_id: string;
  readonly name: string | null;
  readonly operation: string;
  readonly status: string;
  readonly payload: unknown;
  readonly idempotency_key: string | null;
  readonly max_attempts: number;
  readonly attempts: readonly FinalAttempt[];
  readonly events: readonly FinalEvent[];
  /** As each API node shows the job. */
  readonly shown: readonly ShownJob[];
  readonly result: ResultDocument | undefined;
}

export interface FinalAttempt {
  readonly attempt: number;
  readonly worker_id: string;
  readonly outcome: string;
  readonly started_at: string;
  readonly ended_at: string | null;
}

export interface FinalEvent {
  readonly attempt: number;
  readonly sequence: number;
  readonly type: string;
  readonly worker_id: string;
  readonly timestamp: string;
}

export interface ShownJob {
  readonly node: string;
  readonly status: string;
  readonly attempt: number;
  readonly error: string | null;
}

export interface FinalState {
  readonly jobs: readonly FinalJob[];
  /** Documents that were written, by their name below the output root. */
  readonly outputs: ReadonlyMap<string, unknown>;
  /** What nobody needs any more and is still there. */
  readonly leftovers: readonly string[];
}

const REQUESTS_AT_ONCE = 40;

interface JobRow {
  readonly id: number;
  readonly job_id: string;
  readonly name: string | null;
  readonly operation: string;
  readonly status: string;
  readonly payload: { readonly data: unknown };
  readonly document: string;
}

export async function readFinalState(stack: Stack): Promise<FinalState> {
  const { schema } = stack;
  const query = <Row>(text: string) => stack.postgres.query<Row>(text);
  const rows = await query<JobRow>(
    `select id::int, job_id, name, operation, status, payload, document from ${schema}.jobs order by id`,
  );
  const attempts = await query<FinalAttempt & { job: number }>(
    `select job::int, attempt::int, worker_id, outcome, started_at, ended_at from ${schema}.attempts order by job, attempt`,
  );
  const events = await query<FinalEvent & { job: number }>(
    `select job::int, attempt::int, sequence::int8::float8 as sequence, type, worker_id, timestamp from ${schema}.events order by job, sequence`,
  );
  const attemptsOf = Map.groupBy(attempts, ({ job }) => job);
  const eventsOf = Map.groupBy(events, ({ job }) => job);
  const limit = pLimit(REQUESTS_AT_ONCE);
  const jobs = await Promise.all(
    rows.map(({ id, document, payload, ...row }) =>
      limit(async (): Promise<FinalJob> => {
        const told = await tellingOf(stack.apis, row.job_id, id);
        const { execution } = JSON.parse(document);
        return {
          ...row,
          ...told,
          payload: payload.data,
          idempotency_key: execution.idempotency_key ?? null,
          max_attempts: execution.max_attempts,
          attempts: attemptsOf.get(id) ?? [],
          events: eventsOf.get(id) ?? [],
        };
      }),
    ),
  );
  return { jobs, outputs: readOutputs(stack.outputs.folder), leftovers: await leftoversOf(stack) };
}

/** Any node must answer for any job: they take turns. */
async function tellingOf(
  apis: readonly ApiNode[],
  jobId: string,
  turn: number,
): Promise<Pick<FinalJob, 'shown' | 'result'>> {
  const first = apis[turn % apis.length] as ApiNode;
  const second = apis[(turn + 1) % apis.length] as ApiNode;
  const [job, result] = await Promise.all([
    get(first, `/api/v1/jobs/${jobId}`),
    get(second, `/api/v1/jobs/${jobId}/result`),
  ]);
  return { shown: shownBy(first, job), result: dataOf<ResultDocument>(result) };
}

function shownBy({ name }: ApiNode, answer: Answer): readonly ShownJob[] {
  const job = dataOf<{ status: string; attempt: number; error: { code: string } | null }>(answer);
  return job ? [{ node: name, status: job.status, attempt: job.attempt, error: job.error?.code ?? null }] : [];
}

function dataOf<Data>(answer: Answer): Data | undefined {
  return answer.kind === 'answered' && answer.status === 200 ? (answer.body.data as Data) : undefined;
}

function readOutputs(folder: string): ReadonlyMap<string, unknown> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(names.map((name) => [name, parse(readFileSync(path.join(folder, name), 'utf8'))]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'not a whole document';
  }
}

export async function leftoversOf(stack: Stack): Promise<readonly string[]> {
  const temporary = existsSync(stack.outputs.folder)
    ? readdirSync(stack.outputs.folder).filter((name) => !name.endsWith('.json'))
    : [];
  return [
    ...temporary.map((name) => `file ${name} among the outputs`),
    ...orphans().map((pid) => `process ${pid}, a jail without a worker`),
    ...(await spinningJails(stack.workers.flatMap(({ pid }) => pid ?? []))).map(
      (pid) => `process ${pid}, a jail at work`,
    ),
    ...(await inRedis(stack.redis.url)),
  ];
}

/** A jail whose worker died is adopted by the first process. */
function orphans(): readonly number[] {
  return jails()
    .filter(({ parent }) => parent === 1)
    .map(({ pid }) => pid);
}

const UNFINISHED = ['wait', 'active', 'prioritized', 'delayed', 'waiting-children'] as const;

async function inRedis(url: string): Promise<readonly string[]> {
  await using redis = openRedis(url);
  const { client } = redis;
  const found: string[] = [];
  for (const key of await client.keys('guestkit:{*}:*')) {
    const [, , state = ''] = key.split(/:(?![^{]*})/).slice(-3);
    const kind = await client.type(key);
    if (UNFINISHED.some((name) => key.endsWith(`:${name}`))) {
      const jobs = kind === 'list' ? await client.llen(key) : await client.zcard(key);
      if (jobs > 0) found.push(`${jobs} jobs of Redis in state ${state || key}`);
    }
    if (key.endsWith(':lock')) found.push(`lock ${key}`);
  }
  const unread = await client.xlen('guestkit:events');
  if (unread > 0) found.push(`${unread} events that nobody has recorded`);
  return found;
}
