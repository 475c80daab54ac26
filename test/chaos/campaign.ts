import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { check, type Finding } from './checker.ts';
import { Client } from './client.ts';
import { type FinalState, leftoversOf, readFinalState } from './final-state.ts';
import type { Intent } from './intent.ts';
import { type PlannedAction, unleash } from './nemesis.ts';
import { type LogLine, openOpLog, readOpLog } from './op-log.ts';
import type { Random } from './random.ts';
import { isListening, type Stack, type StackOptions, startStack } from './stack.ts';

export interface CampaignOptions extends StackOptions {
  readonly random: Random;
  readonly schedule: readonly PlannedAction[];
  readonly plan: (stack: Stack) => readonly Intent[];
  /** Where every step is written to. */
  readonly logFile: string;
  /** Once the cluster is whole again, so much time may pass without a job that ends, or until the last of all is cleared away. */
  readonly settleMs: number;
  readonly say: (text: string) => void;
}

export interface Outcome {
  readonly log: readonly LogLine[];
  readonly final: FinalState;
  readonly findings: readonly Finding[];
  readonly settledMs: number;
  /** Of each process, how often it ended though nobody had killed it. */
  readonly endedByThemselves: Readonly<Record<string, number>>;
}

const CLIENTS = 96;

/** One run: clients work and the nemesis rages at the same time; then peace; then the count. */
export async function runCampaign(options: CampaignOptions): Promise<Outcome> {
  const { say, logFile, settleMs, schedule } = options;
  await using stack = await startStack(options);
  say(`a cluster of ${stack.apis.length} API nodes and ${stack.workers.length} workers runs in ${stack.folder}`);
  await using log = openOpLog(logFile);
  const intents = options.plan(stack);
  for (const intent of intents) log.write({ type: 'intent', intent });
  const closing = new AbortController();
  const client = new Client({
    nodes: stack.apis,
    log,
    random: options.random.fork('clients'),
    closing: closing.signal,
  });
  const clients = new Crowd(client);
  // a run that ends early too leaves nobody who writes to a log that is closed
  await using _ = { [Symbol.asyncDispose]: () => dismiss(clients, closing) };
  const shares = sharesOf(intents, schedule.length);
  await unleash({
    stack,
    log,
    schedule,
    say,
    onAction: (n, { lastsMs, pauseMs }) => clients.send(shares[n] ?? [], lastsMs + pauseMs),
  });
  await isWhole(stack);
  log.write({ type: 'run', note: 'whole again' });
  const healedAt = performance.now();
  await clients.submitted();
  say(`the nemesis rests; ${await unfinished(stack)} of ${intents.length} jobs have no end yet`);
  const isSettled = await settle(stack, settleMs);
  const settledMs = Math.round(performance.now() - healedAt);
  say(isSettled ? `everything has ended ${settledMs} ms later` : `not everything has ended within ${settleMs} ms`);
  await dismiss(clients, closing);
  log.write({ type: 'run', note: isSettled ? 'settled' : 'not settled', facts: { settledMs } });
  await log.close();
  const final = await readFinalState(stack);
  await writeFile(
    logFile.replace('.ndjson', '.final.json'),
    JSON.stringify({ ...final, outputs: Object.fromEntries(final.outputs) }),
  );
  const lines = await readOpLog(logFile);
  const endedByThemselves = Object.fromEntries(
    [...stack.apis.map(({ process }) => process), ...stack.workers].map(({ name, endedByItself }) => [
      name,
      endedByItself,
    ]),
  );
  return { log: lines, final, findings: check(lines, final), settledMs, endedByThemselves };
}

function dismiss(clients: Crowd, closing: AbortController): Promise<void> {
  closing.abort();
  return clients.done();
}

/** In order, one share for each action, so that every action meets jobs however long the machine takes for it. */
function sharesOf(intents: readonly Intent[], shares: number): readonly (readonly Intent[])[] {
  const boundary = (n: number) => Math.round((intents.length * n) / shares);
  return Array.from({ length: shares }, (_, n) => intents.slice(boundary(n), boundary(n + 1)));
}

/** Many clients at once; each takes the next intent that is due. */
class Crowd {
  readonly #client: Client;
  readonly #limit = pLimit(CLIENTS);
  readonly #submissions: Promise<unknown>[] = [];
  readonly #watches: Promise<void>[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  /** Evenly over a time. */
  send(intents: readonly Intent[], overMs: number): void {
    for (const [index, intent] of intents.entries()) {
      const submission = delay((overMs * index) / intents.length).then(() =>
        this.#limit(() => this.#client.submit(intent)),
      );
      this.#submissions.push(submission);
      this.#watches.push(
        submission.then((jobId) => (jobId === undefined ? undefined : this.#client.follow(intent, jobId))),
      );
    }
  }

  /** Resolves when each intent that was sent has been asked for. */
  async submitted(): Promise<void> {
    await Promise.all(this.#submissions);
  }

  /** Resolves when nobody watches a job any more either. */
  async done(): Promise<void> {
    await Promise.all(this.#watches);
  }
}

/** The nemesis has put everything back; now everything has to have come back. */
async function isWhole(stack: Stack): Promise<void> {
  for (const api of stack.apis) await isListening(api);
}

/** A backlog takes what the machine takes for it; what does not move is stuck. */
async function settle(stack: Stack, settleMs: number): Promise<boolean> {
  let left = Number.POSITIVE_INFINITY;
  let untilMs = performance.now() + settleMs;
  while (performance.now() < untilMs) {
    const now = await unfinished(stack);
    if (now === 0 && (await leftoversOf(stack)).length === 0) return true;
    if (now < left) untilMs = performance.now() + settleMs;
    left = Math.min(left, now);
    await delay(500);
  }
  return false;
}

async function unfinished({ postgres, schema }: Stack): Promise<number> {
  const question = `select count(*)::int as jobs from ${schema}.jobs where status not in ('completed', 'failed', 'cancelled', 'timeout')`;
  const [row] = await postgres.query<{ jobs: number }>(question);
  return row?.jobs ?? 0;
}
