import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface SupervisedOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where its output goes, of all its lives. */
  readonly logFile: string;
}

/** How soon a process that ended is started again, as by systemd. */
const RESTART_MS = 300;

/** Keeps a process running: whenever it ends, it is started again. */
export class Supervised implements AsyncDisposable {
  readonly name: string;
  /** How often it ended without a signal of ours. */
  endedByItself = 0;
  readonly #options: SupervisedOptions;
  readonly #log: number;
  readonly #killed = new WeakSet<ChildProcess>();
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #supervision: Promise<void> | undefined;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = openSync(options.logFile, 'a');
    this.#supervision = this.#supervise();
  }

  /** `undefined` between two lives. */
  get pid(): number | undefined {
    return isRunning(this.#child) ? this.#child?.pid : undefined;
  }

  /** Whether there was a process to get the signal. */
  signal(name: NodeJS.Signals): boolean {
    const child = this.#child;
    if (child === undefined || !isRunning(child)) return false;
    if (name === 'SIGKILL') this.#killed.add(child);
    return child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    // a stopped process hears no TERM
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await this.#supervision;
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const child = this.#launch();
      this.#child = child;
      await once(child, 'exit');
      if (!this.#killed.has(child)) this.endedByItself += 1;
      await delay(RESTART_MS, undefined, { signal }).catch(() => {});
    }
  }

  #launch(): ChildProcess {
    const [program = '', ...args] = this.#options.command;
    const child = spawn(program, args, { env: this.#options.env, stdio: ['ignore', this.#log, this.#log] });
    // a run that is interrupted must not leave processes behind
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.removeListener('exit', kill));
    return child;
  }
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}
