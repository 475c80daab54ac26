import { setTimeout as delay } from 'node:timers/promises';
import { inBackground } from '@guestkit/core/coordination/background';
import { isDatabaseFault } from '@guestkit/core/history/database-fault';
import type { ApiMetrics } from '@guestkit/core/telemetry/api-metrics';
import type { Logger } from '@guestkit/core/telemetry/logger';
import { Problem } from '../problem.ts';
import { reach } from '../reach.ts';
import { type GaugeName, type PassedMark, passedMarks, type Reading } from './marks.ts';

export interface GateOptions {
  readonly gauges: Readonly<Record<GaugeName, () => Promise<Reading>>>;
  readonly metrics: ApiMetrics;
  readonly logger: Logger;
  readonly everyMs?: number;
}

/** Lets jobs in while the cluster can hold them. */
export interface AdmissionGate {
  /** Costs nothing: the gauges are read in the background. @throws Problem `overloaded` */
  admit(jobs: number): void;
}

const EVERY_MS = 1000;
const READ_TIMEOUT_MS = 5000;
const RETRY_AFTER = { 'retry-after': '5' } as const;

/**
 * Reads the gauges once, and then again and again until it is disposed of. The gate is shut while a mark is passed. Redis being away
 * shuts nothing: what is accepted then waits in SQL, which has a mark of its own. Nor need it be shut while the database is away:
 * nothing can be accepted then.
 */
export async function startAdmissionGate(options: GateOptions): Promise<AdmissionGate & AsyncDisposable> {
  const gate = new Gate(options);
  await gate.read();
  const reading = inBackground((signal) => gate.readUntil(signal));
  return { admit: (jobs) => gate.admit(jobs), [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose]() };
}

class Gate implements AdmissionGate {
  readonly #options: GateOptions;
  #passed: readonly PassedMark[] = [];
  #isDatabaseAway = false;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  admit(jobs: number): void {
    if (this.#passed.length === 0) return;
    for (const { gauge } of this.#passed) this.#options.metrics.admissionRefused.inc({ reason: gauge }, jobs);
    throw overloaded(this.#passed);
  }

  async readUntil(signal: AbortSignal): Promise<void> {
    const { everyMs = EVERY_MS } = this.#options;
    while (!signal.aborted) {
      await delay(everyMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.read();
    }
  }

  async read(): Promise<void> {
    const { gauges, metrics, logger } = this.#options;
    const before = this.#reasons();
    const names = Object.keys(gauges) as GaugeName[];
    const outcomes = await Promise.allSettled(names.map((name) => reach(name, gauges[name], READ_TIMEOUT_MS)));
    const readings = names.flatMap((name, at): [GaugeName, Reading][] => {
      const outcome = outcomes[at];
      return outcome?.status === 'fulfilled' ? [[name, outcome.value]] : [];
    });
    this.#isDatabaseAway = isDatabaseFaultOf(outcomes[names.indexOf('outbox')]);
    this.#passed = passedMarks(new Map(readings), this.#passed);
    const reasons = this.#reasons();
    metrics.admissionOpen.set(reasons.length === 0 ? 1 : 0);
    if (reasons.join() !== before.join()) {
      logger.warn({ reasons, marks: this.#passed }, reasons.length === 0 ? 'admission is open' : 'admission is shut');
    }
  }

  #reasons(): readonly string[] {
    return [...(this.#isDatabaseAway ? ['database'] : []), ...this.#passed.map(({ gauge }) => gauge)];
  }
}

function overloaded(passed: readonly PassedMark[]): Problem {
  const list = passed.map(({ gauge, value, mark }) => `${gauge} is at ${value}, its mark is ${mark}`);
  return new Problem('overloaded', `Cannot take in more jobs: ${list.join('; ')}`, {
    details: { passed },
    headers: RETRY_AFTER,
  });
}

function isDatabaseFaultOf(outcome: PromiseSettledResult<Reading> | undefined): boolean {
  if (outcome?.status !== 'rejected') return false;
  return isDatabaseFault(outcome.reason instanceof Problem ? outcome.reason.cause : outcome.reason);
}
