import type { JobDocument } from '@guestkit/core/job/document';
import { epochMsOf } from '@guestkit/core/job/timestamp';
import type { Operation, Progress } from '@guestkit/operations/operation';
import { factsOf } from '../jail/error-facts.ts';
import { type Ending, emptyReport, type JailReport } from '../jail/task.ts';
import type { AttemptHost } from './host.ts';

export interface Execution {
  readonly document: JobDocument;
  readonly operation: Operation;
  readonly payload: unknown;
  readonly signal: AbortSignal;
  readonly onProgress: (step: Progress) => void;
}

/** Runs an operation where it declares to run, within the time it has. */
export async function execute(execution: Execution, host: AttemptHost): Promise<JailReport> {
  const { operation, payload, document, signal, onProgress } = execution;
  if (signal.aborted) return emptyReport({ kind: 'stopped' });
  const timeoutMs = timeLimitMs(document);
  if (timeoutMs <= 0) return emptyReport({ kind: 'timeout' });
  if (operation.isolation === 'inline') return emptyReport(runInline(execution, host));
  const task = {
    operation: operation.name,
    payload,
    images: operation.images(payload),
    output: operation.output(payload),
  };
  return host.jails.run(task, { timeoutMs, signal, onProgress });
}

/** Whichever comes first, the timeout of the attempt or the deadline of the job. */
function timeLimitMs({ execution }: JobDocument): number {
  const untilDeadlineMs = execution.deadline === undefined ? Infinity : epochMsOf(execution.deadline) - Date.now();
  return Math.min(execution.timeout_seconds * 1000, untilDeadlineMs);
}

function runInline({ operation, payload, onProgress }: Execution, { inlineRunners }: AttemptHost): Ending {
  try {
    const run = inlineRunners.get(operation.name);
    if (run === undefined) throw new Error(`Cannot run "${operation.name}": this worker has no runner for it`);
    return { kind: 'result', value: run(payload, { images: [], progress: onProgress }) };
  } catch (error) {
    return { kind: 'error', facts: factsOf(error) };
  }
}
