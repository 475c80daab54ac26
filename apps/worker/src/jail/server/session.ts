import type { Progress } from '@guestkit/operations/operation';
import type { ErrorFacts } from '../error-facts.ts';
import { decodeJson, decodeRead, encodeJson, type Frame, FrameError, roomFor } from '../frame.ts';
import type { OfferedImage } from '../start-order.ts';
import type { Ending, JailTask } from '../task.ts';
import { cleanText } from './foreign-text.ts';
import type { ImageDesk } from './image-desk.ts';
import type { ExitStatus, JailProcess } from './jail-process.ts';
import { readErrorFacts } from './read-error-facts.ts';
import { faultOf } from './refusal.ts';

const MAX_PROGRESS_FRAMES = 10_000;
/** A jail that reads what it asked for never lets this much pile up. */
const MAX_UNSENT_BYTES = 16 * 2 ** 20;
/** Answers up to this size are all made in the same memory: to touch new memory takes longer than to read into it. */
const REUSED_BYTES = 2 ** 20;

export interface SessionOptions {
  readonly jail: JailProcess;
  readonly desk: ImageDesk;
  readonly task: JailTask;
  readonly images: readonly OfferedImage[];
  readonly maxResultBytes: number;
  readonly onProgress: (step: Progress) => void;
  readonly onLife: () => void;
}

/** Starts the jail on its task and answers what it asks, until it reports, dies or misbehaves. */
export async function converse(options: SessionOptions): Promise<Ending> {
  const { jail, desk, task, images, maxResultBytes, onProgress, onLife } = options;
  const ended = Promise.withResolvers<Ending>();
  let progressFrames = 0;
  const answering = new Answering(jail);
  const room = roomFor(REUSED_BYTES);

  const answers: Readonly<Record<string, (frame: Frame) => void>> = {
    read: ({ body }) => {
      if (jail.unsentBytes > MAX_UNSENT_BYTES) throw new FrameError('Cannot answer: the jail does not take its bytes');
      // what is still on its way must not be written over
      const free = jail.unsentBytes === 0 ? room : undefined;
      answering.give(() => desk.read(decodeRead(body), free));
    },
    open: (frame) => {
      const { image, name, from } = readOpenRequest(decodeJson(frame));
      answering.give(() => encodeJson('opened', desk.openReference(image, name, from)));
    },
    progress: (frame) => {
      progressFrames += 1;
      if (progressFrames > MAX_PROGRESS_FRAMES) throw new FrameError('Cannot accept more progress of this attempt');
      onProgress(readProgress(decodeJson(frame)));
    },
    result: (frame) => {
      if (frame.body.length > maxResultBytes)
        throw new FrameError('Cannot accept a result larger than what is allowed');
      ended.resolve({ kind: 'result', value: decodeJson(frame) });
    },
    error: (frame) => ended.resolve(failureOf(readErrorFacts(decodeJson(frame)))),
  };

  const stop = jail.listen(
    (frame) => {
      onLife();
      // who asked is silent until it is answered
      if (answering.isBusy) throw new FrameError(`Cannot accept a ${frame.type} frame: a request is still unanswered`);
      const handle = answers[frame.type];
      if (handle === undefined) throw new FrameError(`Cannot accept a ${frame.type} frame from a jail`);
      handle(frame);
    },
    (error) => ended.resolve({ kind: 'abuse', message: error.message }),
  );
  // a last report may still be in the pipe: `exited` comes after it is read
  void jail.exited.then((status) => ended.resolve(deathOf(status)));
  jail.send(encodeJson('start', { operation: task.operation, payload: task.payload, images, maxResultBytes }));
  return ended.promise.finally(stop);
}

/** What goes wrong in the world is told to the jail; what the jail does wrong ends the attempt. */
class Answering {
  readonly #jail: JailProcess;
  isBusy = false;

  constructor(jail: JailProcess) {
    this.#jail = jail;
  }

  give(produce: () => Buffer | Promise<Buffer>): void {
    try {
      const frame = produce();
      if (frame instanceof Promise) void this.#giveLater(frame);
      else this.#jail.send(frame);
    } catch (error) {
      if (error instanceof FrameError) throw error;
      this.#jail.send(encodeJson('fault', faultOf(error)));
    }
  }

  async #giveLater(frame: Promise<Buffer>): Promise<void> {
    this.isBusy = true;
    const answer = await frame.catch((error) => encodeJson('fault', faultOf(error)));
    this.isBusy = false;
    this.#jail.send(answer);
  }
}

/** Memory may also run out as an error that the operation sees: a buffer that the kernel does not grant. */
function failureOf(facts: ErrorFacts): Ending {
  const outOfMemory = facts.name === 'RangeError' && /allocat/i.test(facts.message);
  return outOfMemory ? { kind: 'died', reason: facts.message, outOfMemory } : { kind: 'error', facts };
}

/** What an exit without a report means. */
export function deathOf({ code, signal, stderr }: ExitStatus): Ending {
  const outOfMemory = /out of memory/i.test(stderr);
  return { kind: 'died', reason: signal ?? `exit code ${code}`, outOfMemory, stderr };
}

interface OpenRequest {
  readonly image: number;
  readonly name: string;
  readonly from: number;
}

function readOpenRequest(value: unknown): OpenRequest {
  const { image, name, from } = (value ?? {}) as Partial<OpenRequest>;
  if (!isCount(image) || !isCount(from) || typeof name !== 'string') throw new FrameError('Cannot read an open frame');
  return { image, name, from };
}

function readProgress(value: unknown): Progress {
  const { phase, percent, message } = (value ?? {}) as Partial<Progress>;
  if (typeof phase !== 'string' || typeof message !== 'string' || typeof percent !== 'number') {
    throw new FrameError('Cannot read a progress frame');
  }
  return {
    phase: cleanText(phase, 64),
    message: cleanText(message, 500),
    percent: Math.min(100, Math.max(0, Math.round(percent))) || 0,
  };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
