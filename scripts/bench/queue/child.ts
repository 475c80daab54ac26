import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import path from 'node:path';

/** A process of one contestant. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Sends a question and resolves with the answer. */
  ask<Answer>(question: string): Promise<Answer>;
  kill(): Promise<void>;
}

/** What a child says first. */
export interface Ready {
  readonly url?: string;
}

/** Starts a program of this folder; resolves when it says that it is ready. Its log goes where nobody reads it. */
export async function startChild(
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<Child & { readonly ready: Ready }> {
  const nowhere = openSync('/dev/null', 'w');
  const child = fork(path.resolve(import.meta.dirname, program), {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    execArgv: (env.BENCH_NODE_FLAGS ?? process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean),
    stdio: ['ignore', nowhere, 'inherit', 'ipc'],
  });
  child.once('exit', (code, signal) => {
    if (code !== 0 && signal === null) process.stderr.write(`bench: ${program} ended with ${code}\n`);
  });
  const ready = await answerOf<Ready>(child);
  const end = (signal: NodeJS.Signals) => endWith(child, signal);
  return {
    ready,
    pid: child.pid ?? 0,
    ask: (question) => {
      child.send(question);
      return answerOf(child);
    },
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`A process of the bench ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer as Answer);
    });
  });
}

async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
