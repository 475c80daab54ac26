import type { EndPublication } from '@guestkit/core/coordination/event-stream';
import { type AttemptClaim, newToken } from '@guestkit/core/coordination/fence';
import { classOf, jobError } from '@guestkit/core/job/error-code';
import type { FinishedEvent } from '@guestkit/core/job/event';
import type { EndCause } from '@guestkit/core/job/next-attempt';
import {
  completedResult,
  type EndedAttempt,
  failedResult,
  type JobError,
  type JobMetrics,
  type ResultDocument,
} from '@guestkit/core/job/result';
import { epochMsOf } from '@guestkit/core/job/timestamp';
import type { Delivery, DeliveryHandler, Outcome } from '@guestkit/core/queue/job-queue';
import { jobLogger, type Logger, logNamesOf } from '@guestkit/core/telemetry/logger';
import type { Progress } from '@guestkit/operations/operation';
import { emptyReport } from '../jail/task.ts';
import { admit } from './admission.ts';
import { Cancellation } from './cancellation.ts';
import { Declined } from './declined.ts';
import { type ExecutionReport, execute } from './execute.ts';
import { errorOf, type Failure } from './fate.ts';
import type { AttemptHost } from './host.ts';
import { AttemptJournal, type Happening, progressHappening } from './journal.ts';
import { keepData } from './keep-data.ts';
import { LossWatch } from './loss-watch.ts';
import { countAttempt, countReport, countResult } from './measures.ts';
import { ProgressThrottle } from './progress.ts';
import { claimPublication } from './publication.ts';
import { whatFollows } from './retry.ts';
import { summaryOf, summaryWithEnd } from './summary.ts';

/** Runs deliveries as attempts. Whatever goes wrong in one is its outcome: the handler does not throw. */
export function createAttemptHandler(host: AttemptHost): DeliveryHandler {
  const declined = new Declined();
  const losses = new LossWatch();
  return async (delivery, lost) => {
    const { job_id } = delivery.job.document;
    host.metrics.activeJobs.inc();
    try {
      return await new Attempt({ host, delivery, lost, declined, losses }).run();
    } catch (err) {
      // ours or the cluster's fault, so the job may try elsewhere
      jobLogger(host.logger, delivery.job.document, delivery.attempt).error({ err }, 'attempt could not be settled');
      return postponed(declined.delayMs(job_id), 'The worker could not settle the attempt');
    } finally {
      host.metrics.activeJobs.dec();
    }
  };
}

interface AttemptParts {
  readonly host: AttemptHost;
  readonly delivery: Delivery;
  readonly lost: AbortSignal;
  readonly declined: Declined;
  readonly losses: LossWatch;
}

/**
 * The life of one attempt, in order: may it begin here; tell that it has; run the operation; decide what its end means; tell that,
 * and only then answer the queue, so that a crash in between runs it again rather than losing it. Once `lost` fires the job is
 * another worker's, and nothing is told any more.
 */
class Attempt {
  readonly #host: AttemptHost;
  readonly #delivery: Delivery;
  readonly #claim: AttemptClaim;
  readonly #lost: AbortSignal;
  readonly #declined: Declined;
  readonly #losses: LossWatch;
  readonly #journal: AttemptJournal;
  readonly #progress = new ProgressThrottle((steps) => this.#tellProgress(steps));
  readonly #startedAtMs = Date.now();
  /** Whether the fence has our claim. */
  #mayPublish = false;

  constructor({ host, delivery, lost, declined, losses }: AttemptParts) {
    this.#host = host;
    this.#delivery = delivery;
    const { job, attempt } = delivery;
    const token = newToken(this.#startedAtMs);
    this.#claim = { tenant: job.tenant, jobId: job.document.job_id, attempt, token };
    this.#lost = lost;
    this.#declined = declined;
    this.#losses = losses;
    const onError = (err: Error) => this.#logger.warn({ err }, 'event could not be told');
    this.#journal = new AttemptJournal({ events: host.events, delivery, token, workerId: host.workerId, onError });
  }

  async run(): Promise<Outcome> {
    const admission = await admit(this.#delivery, this.#host);
    if (admission.kind === 'postponed') return this.#postpone(admission.reason);
    countAttempt(this.#delivery, this.#host);
    if (admission.kind === 'refused') {
      this.#journal.note({ type: 'assigned' });
      await this.#closeFence();
      return this.#failForGood(admission.error, admission.because, emptyReport({ kind: 'stopped' }));
    }
    const { operation, payload } = admission;
    this.#journal.note({ type: 'assigned' }, { type: 'running' });
    if (this.#host.logger.isLevelEnabled('debug')) this.#logger.debug('attempt started');
    const { job } = this.#delivery;
    const { document } = job;
    // nothing can interrupt what runs in the worker itself
    using cancellation = operation.isolation === 'inline' ? undefined : new Cancellation(this.#host.cancels, job);
    const signal = this.#stopSignal(cancellation);
    // who writes nothing pays for no fence; who may not is not told of: after the end of its job nothing more is
    const refusal = operation.output(payload) && (await this.#claimPublication(signal));
    if (refusal) return this.#settle(emptyReport({ kind: refusal }), cancellation);
    // what runs in the worker itself is over before anybody could hear that it has begun
    if (operation.isolation !== 'inline') this.#journal.mention();
    const onProgress = (step: Progress) => this.#progress.add(step);
    const subject = { tenant: job.tenant, document, claim: this.#claim, operation, payload };
    const report = await execute({ ...subject, signal, onProgress }, this.#host);
    countReport(report, operation, this.#elapsedSeconds(), this.#host.metrics);
    return await this.#settle(report, cancellation);
  }

  /** Why the attempt may not publish. */
  async #claimPublication(signal: AbortSignal): Promise<'overtaken' | 'closed' | 'stopped' | undefined> {
    const { document } = this.#delivery.job;
    const answer = await claimPublication(this.#host.fence, { claim: this.#claim, document, signal });
    this.#mayPublish = answer === 'raised';
    return answer === 'raised' ? undefined : answer;
  }

  /** For what runs in the worker itself it only matters whether it may begin: signals made of others are dear. */
  #stopSignal(cancellation: Cancellation | undefined): AbortSignal {
    const { leaving } = this.#host;
    if (cancellation === undefined) return leaving.aborted ? leaving : this.#lost;
    return AbortSignal.any([this.#lost, leaving, cancellation.signal]);
  }

  #postpone(reason: string): Outcome {
    this.#host.metrics.attempts.inc({ outcome: 'postponed' });
    this.#logger.debug({ reason }, 'attempt postponed');
    return postponed(this.#declined.delayMs(this.#delivery.job.document.job_id), reason);
  }

  #settle(report: ExecutionReport, cancellation: Cancellation | undefined): Outcome | Promise<Outcome> {
    const { ending } = report;
    if (this.#isLost || ending.kind === 'overtaken') return this.#abandon();
    if (ending.kind === 'closed') return this.#leaveEnded();
    if (ending.kind === 'result') return this.#complete(ending.value, report);
    if (cancellation?.error) return this.#fail(cancellation.error, report);
    if (ending.kind === 'stopped') return this.#release();
    // for the operator alone: it may name places of the host
    if (ending.kind === 'died') this.#logger.warn({ stderr: ending.stderr }, 'process of the attempt ended');
    return this.#fail(this.#errorOf(ending), report);
  }

  #abandon(): Outcome {
    this.#progress.take();
    this.#host.metrics.attempts.inc({ outcome: 'lost' });
    this.#logger.warn('attempt stopped: the job is not ours any more');
    return { kind: 'released' };
  }

  /** History has ended the job by itself: nothing is to be told. */
  #leaveEnded(): Outcome {
    this.#progress.take();
    this.#host.metrics.attempts.inc({ outcome: 'lost' });
    return { kind: 'failed', retry: false, reason: 'The job had ended before' };
  }

  async #release(): Promise<Outcome> {
    await this.#tell({ type: 'released', reason: 'drain' });
    this.#host.metrics.attempts.inc({ outcome: 'drain' });
    this.#logger.info('attempt given back: the worker is stopping');
    return { kind: 'released' };
  }

  async #complete(data: unknown, report: ExecutionReport): Promise<Outcome> {
    const outputs = report.output && { primary: report.output.destination };
    const told = report.output ? { ...(data as object), output_file: report.output.destination } : data;
    const kept = await keepData(told, this.#claim, this.#host.keeping, this.#lost);
    if (this.#isLost) return this.#abandon();
    if (kept.kind === 'refused') return this.#fail(kept.error, report);
    const result = completedResult(this.#endedAttempt(report), { ...kept.answer, ...(outputs && { outputs }) });
    const refusal = await this.#finish(result);
    return refusal ?? { kind: 'completed', summary: this.#summaryOf(result) };
  }

  /** What runs in the worker itself is sooner run again than kept in the queue. */
  #summaryOf(result: ResultDocument): object {
    const end = this.#journal.newest;
    const isInline = this.#host.operations.get(this.#delivery.job.document.operation)?.isolation === 'inline';
    return end?.type === 'finished' && !isInline ? summaryWithEnd(end) : summaryOf(result);
  }

  async #fail(error: JobError, report: ExecutionReport): Promise<Outcome> {
    const next = whatFollows(error, this.#delivery, this.#host);
    if (next.kind === 'none') return this.#failForGood(error, next.because, report);
    this.#host.metrics.attempts.inc({ outcome: 'retry' });
    this.#logger.warn({ error, ...next }, 'attempt failed, another will follow');
    // history must not count a failure that the queue takes for a vanished worker
    const onCounted = () => this.#journal.mention(...this.#newSteps(), { type: 'released', reason: 'retry', error });
    return { kind: 'failed', retry: true, delayMs: next.delayMs, reason: reasonOf(error), onCounted };
  }

  async #failForGood(error: JobError, because: EndCause, report: ExecutionReport): Promise<Outcome> {
    const result = failedResult(this.#endedAttempt(report), error);
    const refusal = await this.#finish(result, { dead_letter: { class: classOf(error), because } });
    return refusal ?? { kind: 'failed', retry: false, reason: reasonOf(error) };
  }

  /** An earlier attempt, whose worker was lost, may still be at it somewhere: it must not publish after the end of its job. */
  async #closeFence(): Promise<void> {
    const { tenant, jobId, attempt } = this.#claim;
    if (attempt > 1) await this.#host.fence.close(tenant, jobId);
  }

  #errorOf(failure: Failure): JobError {
    const { deadline } = this.#delivery.job.document.execution;
    const isLate = failure.kind === 'timeout' && deadline !== undefined && epochMsOf(deadline) <= Date.now();
    return isLate ? jobError('DEADLINE_EXCEEDED', `execution.deadline passed at ${deadline}`) : errorOf(failure);
  }

  /** Tells the end of the job. What becomes of the delivery if it ceased to be ours before that. */
  async #finish(result: ResultDocument, more: Pick<FinishedEvent, 'dead_letter'> = {}): Promise<Outcome | undefined> {
    const told = await this.#tell({ type: 'finished', result, ...more });
    if (told === 'closed') return this.#leaveEnded();
    if (told !== 'published') return this.#abandon();
    countResult(result, this.#delivery, this.#host);
    const { status, error, execution_summary } = result;
    const names = logNamesOf(this.#delivery.job.document, this.#delivery.attempt);
    this.#host.logger.info({ ...names, status, error, ...execution_summary }, 'attempt ended');
    return undefined;
  }

  /** A stream that waits for Redis must not keep an attempt that nobody wants any more. */
  async #tell(last: Happening): Promise<Told> {
    if (this.#isLost) return 'lost';
    const steps = this.#newSteps();
    const isEndOfWriter = last.type === 'finished' && this.#mayPublish;
    const told = isEndOfWriter
      ? this.#journal.tellEnd(this.#claim, ...steps, last)
      : this.#journal.tell(...steps, last).then(() => 'published' as const);
    return this.#losses.untilLost<Told>(told, this.#lost);
  }

  #newSteps(): readonly Happening[] {
    return this.#progress.take().map(progressHappening);
  }

  /** The signal comes late where this process was stopped for a while. */
  get #isLost(): boolean {
    return this.#lost.aborted || !this.#delivery.isHeld();
  }

  #tellProgress(steps: readonly Progress[]): void {
    if (this.#lost.aborted) return;
    this.#journal.mention(...steps.map(progressHappening));
    const newest = steps.at(-1);
    if (newest) this.#delivery.reportProgress(newest).catch((err) => this.#logger.debug({ err }, 'progress not shown'));
  }

  #endedAttempt({ usage, imageBytesRead, fetched, output, cached }: ExecutionReport): EndedAttempt {
    const metrics: JobMetrics | undefined = usage && {
      disk_read_bytes: imageBytesRead,
      disk_write_bytes: output?.sizeBytes ?? 0,
      peak_memory_mb: Math.ceil(usage.peakMemoryBytes / 2 ** 20),
      // whole seconds are what clients of the protocol can read
      cpu_seconds: Math.round(usage.cpuMs / 1000),
      cpu_ms: usage.cpuMs,
      ...(fetched && { source: fetched }),
    };
    return {
      document: this.#delivery.job.document,
      workerId: this.#host.workerId,
      attempt: this.#delivery.attempt,
      startedAtMs: this.#startedAtMs,
      endedAtMs: Date.now(),
      ...(metrics && { metrics }),
      cached,
    };
  }

  /** Made where it is needed: most attempts have but one line to write. */
  get #logger(): Logger {
    return jobLogger(this.#host.logger, this.#delivery.job.document, this.#delivery.attempt);
  }

  #elapsedSeconds(): number {
    return (Date.now() - this.#startedAtMs) / 1000;
  }
}

/** What became of events. */
type Told = EndPublication | 'lost';

function reasonOf({ code, message }: JobError): string {
  return `${code}: ${message}`;
}

function postponed(delayMs: number, reason: string): Outcome {
  return { kind: 'postponed', delayMs, reason };
}
