import { setTimeout as delay } from 'node:timers/promises';
import type { Duty } from './duty.ts';
import type { Lease, Leases } from './leases.ts';

export interface LeaderOptions {
  readonly leases: Leases;
  /** Names this node among all that might lead. */
  readonly holder: string;
  readonly duties: readonly Duty[];
  readonly timeToLiveMs?: number;
  /** Between two renewals, or two attempts to take the lease. */
  readonly everyMs?: number;
  /** Told when this node begins to lead, and when it ceases to. */
  readonly onLeading?: (isLeading: boolean) => void;
  readonly onError: (error: Error) => void;
}

export interface Leader extends AsyncDisposable {
  readonly isLeading: boolean;
}

/** All duties go with one lease. */
export const LEADER_LEASE = 'leader';

/** A leader that is killed is followed within three seconds: until its lease has run out, and another has looked. */
const TIME_TO_LIVE_MS = 2_000;
const EVERY_MS = 500;
/** A duty that hangs must not keep the lease from being given back. */
const STOP_MS = 1_000;

/** Does the duties while it leads, and stands by while another does; disposing gives the lease back at once. */
export function startLeader(options: LeaderOptions): Leader {
  return new LeaseLeader({ timeToLiveMs: TIME_TO_LIVE_MS, everyMs: EVERY_MS, onLeading: () => {}, ...options });
}

/**
 * In order: take the lease, or look again later; do the duties, each in a loop of its own, while the lease is renewed; cease as
 * soon as it is lost, or is not renewed before it runs out by our own clock; look again.
 */
class LeaseLeader implements Leader {
  readonly #options: Required<LeaderOptions>;
  readonly #stopping = new AbortController();
  readonly #work: Promise<void>;
  #isLeading = false;

  constructor(options: Required<LeaderOptions>) {
    this.#options = options;
    this.#work = this.#run();
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { leases, holder, timeToLiveMs, everyMs } = this.#options;
    while (!signal.aborted) {
      const askedAtMs = performance.now();
      const lease = await leases.acquireLease(LEADER_LEASE, holder, timeToLiveMs).catch(this.#options.onError);
      if (lease) await this.#lead(lease, askedAtMs + timeToLiveMs);
      else await pause(everyMs, signal);
    }
  }

  async #lead(lease: Lease, untilMs: number): Promise<void> {
    const term = new AbortController();
    this.#setLeading(true);
    const duties = Promise.all(this.#options.duties.map((duty) => this.#repeat(duty, term.signal)));
    await this.#keep(lease, untilMs);
    term.abort();
    this.#setLeading(false);
    await Promise.race([duties, delay(STOP_MS, undefined, { ref: false })]);
    await this.#options.leases.releaseLease(lease).catch(this.#options.onError);
  }

  /** Resolves when this node should lead no longer. */
  async #keep(lease: Lease, untilMs: number): Promise<void> {
    const { timeToLiveMs, everyMs } = this.#options;
    const { signal } = this.#stopping;
    let endMs = untilMs;
    for (;;) {
      await pause(everyMs, signal);
      if (signal.aborted) return;
      const askedAtMs = performance.now();
      const answer = await this.#renew(lease, endMs - askedAtMs);
      if (answer === 'renewed') endMs = askedAtMs + timeToLiveMs;
      else if (answer === 'lost' || performance.now() >= endMs) return;
    }
  }

  async #renew(lease: Lease, withinMs: number): Promise<'renewed' | 'lost' | 'unknown'> {
    const { leases, timeToLiveMs, onError } = this.#options;
    const renewal = leases.renewLease(lease, timeToLiveMs).then(
      (isRenewed) => (isRenewed ? 'renewed' : 'lost'),
      (error) => {
        onError(error);
        return 'unknown' as const;
      },
    );
    const timer = new AbortController();
    const late = delay(Math.max(0, withinMs), 'unknown' as const, { signal: timer.signal }).catch(
      () => 'unknown' as const,
    );
    return Promise.race([renewal, late]).finally(() => timer.abort());
  }

  async #repeat(duty: Duty, signal: AbortSignal): Promise<void> {
    let told: string | undefined;
    while (!signal.aborted) {
      const failure: Error | undefined = await duty.run(signal).then(
        () => undefined,
        (error) => error,
      );
      // once for an outage, not twice a second
      if (failure && failure.message !== told && !signal.aborted) this.#tellFailure(duty, failure);
      told = failure?.message;
      await pause(duty.everyMs, signal);
    }
  }

  #tellFailure({ name }: Duty, cause: Error): void {
    this.#options.onError(new Error(`Cannot do the duty "${name}": ${cause.message}`, { cause }));
  }

  #setLeading(isLeading: boolean): void {
    this.#isLeading = isLeading;
    this.#options.onLeading(isLeading);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => {});
}
