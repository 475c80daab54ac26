import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { JailCommand } from '../command.ts';
import { type Frame, FrameDecoder, FrameError } from '../frame.ts';
import { killGroup } from '../kill.ts';
import { giveWay } from './give-way.ts';
import { sealProcess } from './seal.ts';

const PIPE = 3;
const MAX_STDERR_CHARACTERS = 8192;

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote, which is where Node says what went wrong. */
  readonly stderr: string;
}

/** A jailed process seen from its supervisor. It leads its own process group. */
export class JailProcess {
  readonly pid: number;
  /** Resolves when it has ended and all it sent was read. */
  readonly exited: Promise<ExitStatus>;
  readonly #gone = new AbortController();
  readonly #pipe: Socket;
  readonly #decoder = new FrameDecoder();
  #stderr = '';
  #sealed = false;

  private constructor(child: ChildProcess, pid: number) {
    this.pid = pid;
    this.#pipe = child.stdio[PIPE] as Socket;
    // a jail that dies while it is written to is told by `exited`
    this.#pipe.on('error', () => undefined);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARACTERS);
    });
    child.once('exit', () => {
      this.#gone.abort();
      // a pipe that nobody reads does not close, and `exited` would wait for it
      this.#pipe.resume();
    });
    this.exited = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr: this.#stderr }));
  }

  /** Resolves when the code is loaded and everything given up. @throws Error when it does not get that far */
  static async start(command: JailCommand, memoryMb: number): Promise<JailProcess> {
    const [file = '', ...args] = command.argv;
    const child = spawn(file, args, {
      cwd: '/',
      env: command.env,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    await once(child, 'spawn');
    const jail = new JailProcess(child, child.pid as number);
    await jail.#ready();
    await giveWay(jail.pid);
    jail.#sealed = await sealProcess(jail.pid, command.prlimit, memoryMb);
    return jail;
  }

  /** Whether the kernel, too, keeps it from opening anything. */
  get sealed(): boolean {
    return this.#sealed;
  }

  /** Fires when it has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Bytes that the jail has not yet taken. */
  get unsentBytes(): number {
    return this.#pipe.writableLength;
  }

  send(frame: Buffer): void {
    this.#pipe.write(frame);
  }

  /**
   * Hands over every frame until `stop`. A jail that asks is silent until it is answered, so nothing may follow a request in
   * one chunk: else it could make its supervisor hold answers without bound.
   */
  listen(onFrame: (frame: Frame) => void, onError: (error: Error) => void): () => void {
    const onData = (chunk: Buffer) => {
      try {
        let asked = false;
        for (const frame of this.#decoder.decode(chunk)) {
          if (asked) throw new FrameError(`Cannot accept a ${frame.type} frame: a request is still unanswered`);
          asked = frame.type === 'read' || frame.type === 'open';
          onFrame(frame);
        }
      } catch (error) {
        onError(error as Error);
      }
    };
    this.#pipe.on('data', onData).resume();
    return () => void this.#pipe.off('data', onData).pause();
  }

  kill(): void {
    killGroup(this.pid, 'SIGKILL');
    this.#pipe.destroy();
  }

  async #ready(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const stop = this.listen(({ type }) => {
      if (type === 'ready') ready.resolve();
      else ready.reject(new FrameError(`Cannot start a jail: got a ${type} frame, expected ready`));
    }, ready.reject);
    void this.exited.then(({ code, signal, stderr }) =>
      ready.reject(new Error(`Cannot start a jail: it ended with ${signal ?? `code ${code}`}: ${stderr.trim()}`)),
    );
    await ready.promise.finally(stop);
  }
}
