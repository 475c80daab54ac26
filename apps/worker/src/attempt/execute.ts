import type { AttemptClaim } from '@guestkit/core/coordination/fence';
import type { JobDocument } from '@guestkit/core/job/document';
import type { CachedFrom } from '@guestkit/core/job/result';
import { attemptName, writerOf } from '@guestkit/core/job/writing-attempt';
import type { Operation, Progress } from '@guestkit/operations/operation';
import { factsOf } from '../jail/error-facts.ts';
import type { TimeBounds } from '../jail/seat.ts';
import { type Ending, emptyReport, type JailReport } from '../jail/task.ts';
import type { AttemptHost } from './host.ts';
import { mayPublish } from './publication.ts';
import { timeLimits } from './time-limits.ts';

export interface Execution {
  readonly tenant: string;
  readonly document: JobDocument;
  readonly claim: AttemptClaim;
  readonly operation: Operation;
  readonly payload: unknown;
  readonly signal: AbortSignal;
  readonly onProgress: (step: Progress) => void;
}

export interface ExecutionReport extends JailReport {
  /** The job whose result this is, where it was answered again. */
  readonly cached?: CachedFrom | undefined;
}

/** Runs an operation where it declares to run, within the time it has. */
export function execute(execution: Execution, host: AttemptHost): ExecutionReport | Promise<ExecutionReport> {
  const { operation, document, signal } = execution;
  if (signal.aborted) return emptyReport({ kind: 'stopped' });
  const limits = timeLimits(document, host.limits);
  if (limits.timeoutMs <= 0) return emptyReport({ kind: 'timeout' });
  if (operation.isolation === 'inline') return emptyReport(runInline(execution, host));
  return runJailed(execution, limits, host);
}

async function runJailed(execution: Execution, limits: TimeBounds, host: AttemptHost): Promise<ExecutionReport> {
  const { tenant, operation, payload, document, claim, signal, onProgress } = execution;
  const run = { tenant, document, operation, payload };
  const known = await host.cache?.find(run);
  const task = {
    known,
    operation: operation.name,
    payload,
    images: operation.images(payload),
    output: operation.output(payload),
    writer: writerOf(claim),
    attempt: attemptName(claim),
  };
  const report = await host.jails.run(task, {
    ...limits,
    ...{ signal, onProgress },
    mayPublish: () => mayPublish(host.fence, claim, signal),
  });
  return { ...report, cached: host.cache?.learn(run, report, known) };
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
