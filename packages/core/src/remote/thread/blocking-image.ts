import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { RemoteUsage } from '../meter.ts';
import type { RemoteSettings } from '../open-remote.ts';
import { RemoteError, type RemoteErrorKind } from '../remote-error.ts';

// A remote image for who cannot wait in any other way than to stand still: a thread fetches, this one sleeps.

/** What the thread is started with. */
export interface ThreadOrder {
  readonly address: string;
  readonly settings: RemoteSettings;
  readonly port: MessagePort;
  /** Grows with every answer. */
  readonly answers: Int32Array<SharedArrayBuffer>;
}

export interface ReadOrder {
  readonly offset: number;
  readonly length: number;
}

export type ThreadAnswer =
  | { readonly type: 'opened'; readonly sizeBytes: number; readonly isVersioned: boolean; readonly usage: RemoteUsage }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array; readonly usage: RemoteUsage }
  | { readonly type: 'failed'; readonly kind: RemoteErrorKind | undefined; readonly message: string };

const THREAD = new URL('./main.ts', import.meta.url);
/** Every read of the thread ends by itself, with its retries, long before that. */
const MAX_WAIT_MS = 3_600_000;

export class BlockingRemoteImage implements Disposable {
  readonly sizeBytes: number;
  /** Whether a change of the image would be noticed, whatever its size. */
  readonly isVersioned: boolean;
  readonly #thread: Worker;
  readonly #port: MessagePort;
  readonly #answers = new Int32Array(new SharedArrayBuffer(4));
  #heard = 0;
  #usage: RemoteUsage;

  /** @throws RemoteError */
  constructor(address: string, settings: RemoteSettings) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ThreadOrder = { address, settings, port: port2, answers: this.#answers };
    this.#thread = new Worker(THREAD, { workerData, transferList: [port2], execArgv: [] });
    // nothing but an image that is read keeps the process
    this.#thread.unref();
    try {
      const opened = this.#hear('opened');
      this.sizeBytes = opened.sizeBytes;
      this.isVersioned = opened.isVersioned;
      this.#usage = opened.usage;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  get usage(): RemoteUsage {
    return this.#usage;
  }

  /** @throws RemoteError */
  read(offset: number, length: number): Uint8Array {
    const order: ReadOrder = { offset, length };
    this.#port.postMessage(order);
    const { bytes, usage } = this.#hear('bytes');
    this.#usage = usage;
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#port.close();
    void this.#thread.terminate();
  }

  #hear<Type extends 'opened' | 'bytes'>(type: Type): Extract<ThreadAnswer, { readonly type: Type }> {
    Atomics.wait(this.#answers, 0, this.#heard, MAX_WAIT_MS);
    this.#heard += 1;
    const answer: ThreadAnswer | undefined = receiveMessageOnPort(this.#port)?.message;
    if (answer?.type === type) return answer as Extract<ThreadAnswer, { readonly type: Type }>;
    if (answer?.type !== 'failed') throw new Error(`Cannot read on: the thread that fetches says ${answer?.type}`);
    if (answer.kind === undefined) throw new Error(answer.message);
    throw new RemoteError(answer.kind, answer.message);
  }
}
