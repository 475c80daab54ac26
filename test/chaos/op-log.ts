import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Intent } from './intent.ts';

// Everything that clients did and saw, and that the nemesis did: one JSON line each, in the order in which it happened. The
// checker knows nothing else of a run but this and what is left at its end.

/** A client begins something. Until it ends nobody can say whether it has happened. */
export interface Invocation {
  readonly type: 'invoke';
  readonly op: number;
  readonly at: number;
  readonly what: 'submit' | 'conflict' | 'cancel' | 'observe';
  readonly intent: number;
  readonly node: string;
  /** Of a cancel or an observation. */
  readonly job_id?: string;
}

/** `ok`: it has happened. `fail`: it has not. `unknown`: the connection broke, or the answer was a 5xx. */
export interface Completion {
  readonly type: 'ok' | 'fail' | 'unknown';
  readonly op: number;
  readonly at: number;
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  readonly job_id?: string;
  readonly duplicate?: boolean;
  /** The state of the job that was observed or that a cancel led to. */
  readonly state?: string;
}

export interface NemesisNote {
  readonly type: 'nemesis';
  readonly at: number;
  readonly action: string;
  readonly phase: 'begin' | 'end' | 'skip';
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface RunNote {
  readonly type: 'run';
  readonly at: number;
  readonly note: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface IntentNote {
  readonly type: 'intent';
  readonly at: number;
  readonly intent: Intent;
}

export type LogLine = Invocation | Completion | NemesisNote | RunNote | IntentNote;

type Untimed<Line> = Line extends LogLine ? Omit<Line, 'at'> : never;

export interface OpLog extends AsyncDisposable {
  readonly file: string;
  write(line: Untimed<LogLine>): void;
  /** Writes that something begins, and returns its number. */
  invoke(invocation: Omit<Invocation, 'type' | 'op' | 'at'>): number;
  /** Resolves when all is in the file. */
  close(): Promise<void>;
}

export function openOpLog(file: string): OpLog {
  const stream = createWriteStream(file, { flags: 'w' });
  let ops = 0;
  const write = (line: Untimed<LogLine>) => void stream.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
  const close = () => new Promise<void>((resolve) => (stream.closed ? resolve() : stream.end(resolve)));
  return {
    file,
    write,
    invoke(invocation) {
      ops += 1;
      write({ type: 'invoke', op: ops, ...invocation });
      return ops;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export async function readOpLog(file: string): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) lines.push(JSON.parse(line));
  return lines;
}
