import { type JailCommandOptions, prepareJails } from './command.ts';
import { MAX_RESULT_BYTES } from './frame.ts';
import { type RunLimits, Seat } from './seat.ts';
import {
  emptyReport,
  type ImageRules,
  type JailReport,
  type JailTask,
  type OutputRules,
  type Readiness,
  type StagingRules,
} from './task.ts';
import { timerMs } from './timer.ts';

export interface JailPoolOptions extends JailCommandOptions, ImageRules, OutputRules {
  readonly slots: number;
  readonly killGraceMs: number;
  /** The largest result to take; what a frame holds where not given. */
  readonly maxResultBytes?: number;
  /** Images that are compressed are refused where not given. */
  readonly staging?: StagingRules;
  readonly onReady?: (readiness: Readiness) => void;
  /** Told of what no task owns: a jail that does not start, a thread that ended. */
  readonly onBroken: (message: string) => void;
  /** The program of the threads; tests name their own. */
  readonly server?: URL;
}

const SERVER = new URL('./server/main.ts', import.meta.url);
type Jails = Awaited<ReturnType<typeof prepareJails>>;

/** Enough that a seat whose thread fails at once is not reopened in a tight loop. */
const REOPEN_MS = 1000;

/** Keeps jails started and warm. Each serves one task and is then replaced in the background. */
export class JailPool implements AsyncDisposable {
  readonly #options: JailPoolOptions;
  readonly #jails: Jails;
  readonly #seats = new Set<Seat>();
  readonly #ready: Seat[] = [];
  readonly #waiting: ((seat: Seat | undefined) => void)[] = [];
  #closed = false;
  #fault: string | undefined;

  private constructor(options: JailPoolOptions, jails: Jails) {
    this.#options = options;
    this.#jails = jails;
    // one more than can be busy: a successor is warm while the last one still winds up
    for (let seat = 0; seat <= options.slots; seat++) this.#open();
  }

  /** Resolves when the first jail is ready. @throws Error when none can be started */
  static async start(options: JailPoolOptions): Promise<JailPool> {
    const first = Promise.withResolvers<void>();
    const onBroken = (message: string) => {
      first.reject(new Error(message));
      options.onBroken(message);
    };
    const pool = new JailPool({ ...options, onBroken }, await prepareJails(options));
    pool.#waiting.push((seat) => {
      if (seat) pool.#offer(seat);
      first.resolve();
    });
    try {
      await first.promise;
      return pool;
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Why no jail starts at present; `undefined` when all is well. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Runs a task in the next warm jail. Always resolves: waiting counts as time of the task. */
  async run(task: JailTask, limits: RunLimits): Promise<JailReport> {
    const startedAt = performance.now();
    const seat = this.#ready.shift() ?? (await this.#wait(limits));
    if (seat !== undefined) return seat.run(task, { ...limits, timeoutMs: limits.timeoutMs - elapsedSince(startedAt) });
    const isTimeout = !limits.signal.aborted && !this.#closed;
    return emptyReport({ kind: isTimeout ? 'timeout' : 'stopped' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#ready.length = 0;
    for (const give of this.#waiting.splice(0)) give(undefined);
    for (const seat of this.#seats) seat.close();
    await this.#jails.cache[Symbol.asyncDispose]();
  }

  #open(): void {
    if (this.#closed) return;
    const { killGraceMs, onReady, onBroken, server = SERVER } = this.#options;
    const { memoryMb, maxResultBytes = MAX_RESULT_BYTES } = this.#options;
    const { imageRoots, references, maxDiskSizeGb, remote, outputRoots, staging } = this.#options;
    const seat = new Seat({
      server,
      killGraceMs,
      settings: {
        ...{ command: this.#jails.command, memoryMb, maxResultBytes },
        ...{ imageRoots, references, maxDiskSizeGb, remote, outputRoots, staging },
      },
      onReady: (readiness) => {
        this.#fault = undefined;
        onReady?.(readiness);
        this.#offer(seat);
      },
      onBroken: (message) => {
        this.#fault = message;
        onBroken(message);
      },
      onGone: () => this.#replace(seat),
    });
    this.#seats.add(seat);
  }

  #offer(seat: Seat): void {
    const give = this.#waiting.shift();
    if (give) give(seat);
    // a jail that died while it waited was offered before
    else if (!this.#ready.includes(seat)) this.#ready.push(seat);
  }

  async #wait({ signal, timeoutMs }: RunLimits): Promise<Seat | undefined> {
    if (signal.aborted || this.#closed) return undefined;
    const { promise, resolve } = Promise.withResolvers<Seat | undefined>();
    const giveUp = () => this.#giveUp(resolve);
    const timer = setTimeout(giveUp, timerMs(timeoutMs));
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.push(resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    });
  }

  #giveUp(waiting: (seat: Seat | undefined) => void): void {
    const place = this.#waiting.indexOf(waiting);
    if (place >= 0) this.#waiting.splice(place, 1);
    // harmless when a seat was given before
    waiting(undefined);
  }

  #replace(seat: Seat): void {
    this.#seats.delete(seat);
    const place = this.#ready.indexOf(seat);
    if (place >= 0) this.#ready.splice(place, 1);
    if (!this.#closed) setTimeout(() => this.#open(), REOPEN_MS).unref();
  }
}

function elapsedSince(startedAt: number): number {
  return performance.now() - startedAt;
}
