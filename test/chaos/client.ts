import { setTimeout as delay } from 'node:timers/promises';
import { type Intent, isRepeatable, type PostedJob } from './intent.ts';
import type { Completion, Invocation, OpLog } from './op-log.ts';
import type { Random } from './random.ts';
import type { ApiNode } from './stack.ts';

export interface ClientOptions {
  readonly nodes: readonly ApiNode[];
  readonly log: OpLog;
  readonly random: Random;
  /** Fires when nobody should try again any more. */
  readonly closing: AbortSignal;
}

type Outcome = Omit<Completion, 'op' | 'at'>;

const ANSWER_MS = 15_000;
const FINAL_STATES: readonly unknown[] = ['completed', 'failed', 'cancelled', 'timeout'];

/** Does what intents ask for, as a careful client would: what may safely be said again is said until there is an answer. */
export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** The id of the job, once it is accepted; `undefined` when it cannot be known whether it is. */
  async submit(intent: Intent): Promise<string | undefined> {
    const ids = await Promise.all(Array.from({ length: intent.copies }, () => this.#submit(intent)));
    return ids.find((id) => id !== undefined);
  }

  /** What else there is to do with an accepted job. */
  async follow(intent: Intent, jobId: string): Promise<void> {
    await Promise.all([
      intent.conflicts && this.#contradict(intent),
      intent.cancelAfterMs !== undefined && this.#cancel(intent, jobId, intent.cancelAfterMs),
      intent.observed && this.#observe(intent, jobId),
    ]);
  }

  async #submit(intent: Intent): Promise<string | undefined> {
    for (;;) {
      const { outcome, delivered } = await this.#do({ what: 'submit', intent: intent.n }, (node) =>
        post(node, '/api/v1/jobs', intent.job),
      );
      if (outcome.type === 'ok') return outcome.job_id;
      const isWorthAnotherTry = outcome.type === 'unknown' ? isRepeatable(intent) : !delivered;
      if (!isWorthAnotherTry || !(await this.#pause(200, 600))) return undefined;
    }
  }

  /** The same id or key with other content. */
  async #contradict(intent: Intent): Promise<void> {
    const other: PostedJob = { ...intent.job, payload: { data: { other: intent.n } } };
    await this.#do({ what: 'conflict', intent: intent.n }, (node) => post(node, '/api/v1/jobs', other));
  }

  async #cancel(intent: Intent, jobId: string, afterMs: number): Promise<void> {
    await delay(afterMs);
    for (;;) {
      const { outcome, delivered } = await this.#do({ what: 'cancel', intent: intent.n, job_id: jobId }, (node) =>
        post(node, `/api/v1/jobs/${jobId}/cancel`),
      );
      if (outcome.type !== 'unknown' && delivered) return;
      if (!(await this.#pause(100, 400))) return;
    }
  }

  async #observe(intent: Intent, jobId: string): Promise<void> {
    const looksAfterEnd = 2;
    let ended = 0;
    while (ended < looksAfterEnd && (await this.#pause(300, 2_000))) {
      const { outcome } = await this.#do({ what: 'observe', intent: intent.n, job_id: jobId }, (node) =>
        get(node, `/api/v1/jobs/${jobId}`),
      );
      if (FINAL_STATES.includes(outcome.state)) ended += 1;
    }
  }

  async #do(
    what: Omit<Invocation, 'type' | 'op' | 'at' | 'node'>,
    ask: (node: ApiNode) => Promise<Answer>,
  ): Promise<{ readonly outcome: Outcome; readonly delivered: boolean }> {
    const { nodes, log, random } = this.#options;
    const node = random.pick(nodes);
    const op = log.invoke({ ...what, node: node.name });
    const answer = await ask(node);
    const outcome = outcomeOf(answer);
    log.write({ ...outcome, op });
    return { outcome, delivered: answer.kind !== 'undelivered' };
  }

  /** `false` when it is time to stop. */
  async #pause(minMs: number, maxMs: number): Promise<boolean> {
    const { random, closing } = this.#options;
    await delay(random.integer(minMs, maxMs), undefined, { signal: closing }).catch(() => {});
    return !closing.aborted;
  }
}

export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: AnswerBody }
  /** The connection broke, or nothing came in time. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** There was nobody to connect to. */
  | { readonly kind: 'undelivered'; readonly reason: string };

interface AnswerBody {
  readonly data?: { readonly job_id?: string; readonly duplicate?: boolean; readonly status?: string };
  readonly error?: string;
  readonly message?: string;
}

export function post(node: ApiNode, route: string, body?: unknown): Promise<Answer> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  return ask(node, route, { method: 'POST', headers: { 'content-type': 'application/json' }, ...content });
}

export function get(node: ApiNode, route: string): Promise<Answer> {
  return ask(node, route, {});
}

async function ask({ url }: ApiNode, route: string, init: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(url + route, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
    return { kind: 'answered', status: answer.status, body: (await answer.json()) as AnswerBody };
  } catch (error) {
    const reason = reasonOf(error);
    return { kind: reason === 'ECONNREFUSED' ? 'undelivered' : 'broken', reason };
  }
}

function reasonOf(error: unknown): string {
  const { cause, message, name } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? (name === 'TimeoutError' ? 'no answer in time' : message);
}

function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'undelivered') return { type: 'fail', message: answer.reason };
  if (answer.kind === 'broken') return { type: 'unknown', message: answer.reason };
  const { status, body } = answer;
  const said = {
    status,
    ...(body.error !== undefined && { code: body.error, message: body.message ?? '' }),
    ...(body.data?.job_id !== undefined && { job_id: body.data.job_id }),
    ...(body.data?.duplicate !== undefined && { duplicate: body.data.duplicate }),
    ...(body.data?.status !== undefined && { state: body.data.status }),
  };
  if (status >= 500) return { type: 'unknown', ...said };
  return { type: status < 400 ? 'ok' : 'fail', ...said };
}
