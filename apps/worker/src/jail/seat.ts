import { Worker } from 'node:worker_threads';
import type { Progress } from '@guestkit/operations/operation';
import { killGroup } from './kill.ts';
import {
  type Ending,
  emptyReport,
  type JailReport,
  type JailTask,
  type Readiness,
  type SeatNews,
  type SeatOrder,
  type SeatSettings,
} from './task.ts';
import { timerMs } from './timer.ts';
import { memoryOf, type Usage, usageOf, usageSince } from './usage.ts';

const MEASURE_MS = 100;
/** How long a thread may take to notice that its jail is gone; storage that hangs longer costs the thread. */
const ABANDON_MS = 2000;

export interface SeatOptions {
  readonly settings: Omit<SeatSettings, 'pulse'>;
  /** The thread's program; tests name their own. */
  readonly server: URL;
  readonly killGraceMs: number;
  readonly onReady: (readiness: Readiness) => void;
  readonly onBroken: (message: string) => void;
  /** The seat is of no use any more. */
  readonly onGone: () => void;
}

/** Infinity for no bound. */
export interface TimeBounds {
  readonly timeoutMs: number;
  /** Between two signs of life. */
  readonly silenceMs: number;
  /** Between two reports of progress that say something new. */
  readonly progressMs: number;
}

export interface RunLimits extends TimeBounds {
  readonly signal: AbortSignal;
  readonly onProgress: (step: Progress) => void;
  /** Asked right before an output is given its name. */
  readonly mayPublish: () => Promise<boolean>;
}

/** A thread and its jail, seen from the main loop, which can end the jail even when the thread hangs. */
export class Seat {
  readonly #options: SeatOptions;
  readonly #thread: Worker;
  readonly #pulse = new Int32Array(new SharedArrayBuffer(4));
  #pid: number | undefined;
  #run: Run | undefined;
  #gone = false;

  constructor(options: SeatOptions) {
    this.#options = options;
    const workerData: SeatSettings = { ...options.settings, pulse: this.#pulse };
    this.#thread = new Worker(options.server, { workerData, execArgv: [] });
    this.#thread.on('message', (news: SeatNews) => this.#hear(news));
    this.#thread.on('error', (error: Error) => options.onBroken(error.message));
    this.#thread.on('exit', () => this.#leave({ kind: 'died', reason: 'its thread ended', outOfMemory: false }));
  }

  /** Runs one task. Always resolves: whatever goes wrong in a jail is a report. */
  run(task: JailTask, limits: RunLimits): Promise<JailReport> {
    const { memoryMb } = this.#options.settings;
    const run = new Run({
      ...{ ...limits, memoryMb },
      pid: () => this.#pid,
      pulse: () => Atomics.load(this.#pulse, 0),
      end: (ending) => this.#end(ending),
    });
    this.#run = run;
    this.#order({ type: 'run', task });
    run.watch();
    return run.report;
  }

  close(): void {
    this.#leave({ kind: 'stopped' });
  }

  #hear(news: SeatNews): void {
    if (news.type === 'ready') {
      this.#pid = news.pid;
      // an order that crossed the death of an idle jail goes to this one
      if (this.#run === undefined) this.#options.onReady(news);
    } else if (news.type === 'broken') {
      this.#options.onBroken(news.message);
    } else if (news.type === 'progress') {
      this.#run?.onProgress(news.step);
    } else if (news.type === 'may-publish') {
      void this.#answer(this.#run);
    } else {
      this.#pid = undefined;
      this.#run?.finish(news.report);
      this.#run = undefined;
    }
  }

  async #answer(run: Run | undefined): Promise<void> {
    const granted = run !== undefined && (await run.mayPublish());
    // an attempt that was ended meanwhile has nobody that waits for this
    if (this.#run === run) this.#order({ type: 'publish', granted });
  }

  #order(order: SeatOrder): void {
    this.#thread.postMessage(order);
  }

  /** TERM, grace, KILL. The thread then reports a dead jail; if it hangs, it is left behind. */
  #end(ending: Ending): void {
    const run = this.#run;
    const { killGraceMs } = this.#options;
    this.#signal('SIGTERM');
    const unlessEnded = (act: () => void) => () => this.#run === run && act();
    setTimeout(
      unlessEnded(() => this.#signal('SIGKILL')),
      killGraceMs,
    ).unref();
    setTimeout(
      unlessEnded(() => this.#leave(ending)),
      killGraceMs + ABANDON_MS,
    ).unref();
  }

  #leave(ending: Ending): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#signal('SIGKILL');
    this.#run?.abandon(ending);
    this.#run = undefined;
    void this.#thread.terminate();
    this.#options.onGone();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#pid !== undefined) killGroup(this.#pid, signal);
  }
}

interface RunOptions extends RunLimits {
  readonly memoryMb: number;
  readonly pid: () => number | undefined;
  /** How many signs of life there were. */
  readonly pulse: () => number;
  readonly end: (ending: Ending) => void;
}

/** One task on a seat: watches time, signs of life, memory and the caller's signal, and decides first who ended it. */
class Run {
  readonly #options: RunOptions;
  readonly #report = Promise.withResolvers<JailReport>();
  readonly #decided = Promise.withResolvers<false>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onAbort = () => this.#decide({ kind: 'stopped' });
  readonly #life: Watch;
  readonly #progress: Watch;
  #verdict: Ending | undefined;
  /** What Node and the loaded code take before the attempt begins. */
  #baseBytes: number | undefined;
  #first: Usage | undefined;
  #last: Usage | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#life = new Watch(options.silenceMs);
    this.#progress = new Watch(options.progressMs);
  }

  get report(): Promise<JailReport> {
    return this.#report.promise;
  }

  watch(): void {
    const { timeoutMs, signal } = this.#options;
    this.#timers.push(
      setTimeout(() => this.#decide({ kind: 'timeout' }), timerMs(timeoutMs)),
      setInterval(() => this.#look(), MEASURE_MS),
    );
    this.#look();
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  onProgress(step: Progress): void {
    this.#progress.note(`${step.phase} ${step.percent} ${step.message}`);
    if (this.#verdict === undefined) this.#options.onProgress(step);
  }

  /** What is being ended publishes nothing more. */
  async mayPublish(): Promise<boolean> {
    return (await Promise.race([this.#options.mayPublish(), this.#decided.promise])) && this.#verdict === undefined;
  }

  finish(report: JailReport): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    const usage = report.usage ?? usageSince(this.#first, this.#last);
    this.#report.resolve({ ...report, ending: endingOf(report, this.#verdict), usage });
  }

  /** The thread will not report any more. */
  abandon(ending: Ending): void {
    this.finish(emptyReport(ending));
  }

  #decide(verdict: Ending): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    this.#decided.resolve(false);
    this.#options.end(verdict);
  }

  #look(): void {
    this.#measure();
    this.#life.note(this.#options.pulse());
    const { silenceMs, progressMs } = this.#options;
    if (this.#life.isOver) this.#decide({ kind: 'heartbeat-lost', seconds: silenceMs / 1000 });
    if (this.#progress.isOver) this.#decide({ kind: 'no-progress', seconds: progressMs / 1000 });
  }

  #measure(): void {
    const pid = this.#options.pid();
    const memory = pid && memoryOf(pid);
    if (!pid || !memory) return;
    this.#last = usageOf(pid) ?? this.#last;
    this.#first ??= this.#last;
    this.#baseBytes ??= memory.residentBytes;
    if (memory.residentBytes > this.#baseBytes + this.#options.memoryMb * 2 ** 20) {
      this.#decide({ kind: 'died', reason: 'it outgrew its memory', outOfMemory: true });
    }
  }
}

/** Whether something has been the same for too long. */
class Watch {
  readonly #boundMs: number;
  #seen: unknown;
  #sinceMs = performance.now();

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  note(seen: unknown): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#sinceMs = performance.now();
  }

  get isOver(): boolean {
    return performance.now() - this.#sinceMs > this.#boundMs;
  }
}

/** Whoever ends an attempt decides how it ended, unless its output had been published by then: that cannot be undone. */
function endingOf({ ending, output }: JailReport, verdict: Ending | undefined): Ending {
  return ending.kind === 'result' && output !== undefined ? ending : (verdict ?? ending);
}
