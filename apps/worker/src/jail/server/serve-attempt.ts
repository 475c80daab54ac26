import { isDeepStrictEqual } from 'node:util';
import type { OutputRequest, Progress } from '@guestkit/operations/operation';
import type { OfferedImage } from '../start-order.ts';
import type {
  ChecksumOutcome,
  Ending,
  JailReport,
  JailTask,
  KnownResult,
  SeatSettings,
  WrittenOutput,
} from '../task.ts';
import { usageOf, usageSince } from '../usage.ts';
import { parseChecksum, sha256Of } from './checksum.ts';
import { ImageDesk } from './image-desk.ts';
import type { JailProcess } from './jail-process.ts';
import { checkOutput, writeOutput } from './output.ts';
import { NotPermitted } from './permission.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { converse, deathOf } from './session.ts';
import { endingOfUnpacking } from './unpack.ts';

export interface AttemptService {
  readonly jail: JailProcess;
  readonly settings: Omit<SeatSettings, 'memoryMb'>;
  readonly task: JailTask;
  readonly onProgress: (step: Progress) => void;
  /** Told of every sign of life. */
  readonly onLife: () => void;
  readonly mayPublish: () => Promise<boolean>;
}

/** Serves one task from first to last, measures what the jail used, and ends it, unless it was not needed. */
export async function serveAttempt(service: AttemptService): Promise<JailReport> {
  const { jail, settings, onLife } = service;
  const before = usageOf(jail.pid);
  using desk = new ImageDesk({ rules: settings, signal: jail.gone, onLife });
  const attempt = new ServedAttempt(service, desk);
  const ending = await attempt.run().catch((error) => endingOf(error, jail));
  const usage = usageSince(before, usageOf(jail.pid));
  const { checksums, output, isKnown } = attempt;
  if (!isKnown) jail.kill();
  const { bytesRead: imageBytesRead, fetched } = desk;
  return { ending, usage, imageBytesRead, fetched, checksums, output, inputs: desk.inputs, isKnown };
}

/**
 * In order: open the images, look whether the result may be written; unless it is known, verify checksums, unpack what is packed and
 * let the jail work; write the result.
 */
class ServedAttempt {
  readonly checksums: ChecksumOutcome[] = [];
  output: WrittenOutput | undefined;
  isKnown = false;
  readonly #service: AttemptService;
  readonly #desk: ImageDesk;

  constructor(service: AttemptService, desk: ImageDesk) {
    this.#service = service;
    this.#desk = desk;
  }

  async run(): Promise<Ending> {
    const { jail, task, settings, onProgress, onLife } = this.#service;
    if (task.images.length > 0) this.#tell('validation', 5, 'Opening the image');
    const images: OfferedImage[] = [];
    for (const request of task.images) images.push(await this.#desk.openImage(request));
    if (task.output) checkOutput(task.output, settings, this.#desk.stamps);
    if (task.known && (await stillHolds(task.known, this.#service))) {
      this.isKnown = true;
      return this.#conclude({ kind: 'result', value: task.known.value });
    }
    for (const image of images) await this.#verifyChecksum(image);
    const plain: OfferedImage[] = [];
    for (const image of images) plain.push(await this.#unpack(image));
    const ending = await converse({
      ...{ jail, task, images: plain, onProgress, onLife },
      desk: this.#desk,
      maxResultBytes: settings.maxResultBytes,
    });
    // a wrong answer and a strange error alike may come from a file that was being written
    this.#desk.assertUnchanged();
    return this.#conclude(ending);
  }

  async #conclude(ending: Ending): Promise<Ending> {
    const { output } = this.#service.task;
    if (ending.kind === 'result' && output) await this.#publish(ending.value, output);
    return ending;
  }

  async #verifyChecksum({ source, sizeBytes, request }: OfferedImage): Promise<void> {
    if (request.checksum === undefined) return void this.checksums.push('skipped');
    const expected = parseChecksum(request.checksum);
    this.#tell('validation', 10, 'Checking the SHA-256 of the image');
    const readInto = (buffer: Buffer, offset: number) => {
      this.#service.onLife();
      return this.#desk.readInto(source, buffer, offset);
    };
    const actual = await sha256Of({ sizeBytes, readInto }, this.#service.jail.gone);
    this.checksums.push(actual === expected ? 'success' : 'failure');
    if (actual === expected) return;
    throw new Refusal('IMAGE_CHECKSUM_MISMATCH', `Image checksum mismatch: expected ${expected}, got ${actual}`);
  }

  async #unpack(image: OfferedImage): Promise<OfferedImage> {
    const { jail, settings, onLife } = this.#service;
    const { staging: rules } = settings;
    const packed = rules && this.#desk.packing(image);
    if (rules === undefined || packed === undefined) return image;
    const { compression } = packed;
    this.#tell('validation', 15, `Unpacking the image, which is packed by ${compression}`);
    const { unpack: command } = settings.command;
    return this.#desk.unpack(image, packed, { compression, rules, command, signal: jail.gone, onPiece: onLife });
  }

  /** Whoever may no longer publish has had its jail killed, which is why `gone` guards the rename. */
  async #publish(value: unknown, request: OutputRequest): Promise<void> {
    const { jail, task, settings, mayPublish } = this.#service;
    this.#tell('export', 90, 'Writing the result');
    this.output = await writeOutput(value, request, {
      outputRoots: settings.outputRoots,
      images: this.#desk.stamps,
      writer: task.writer,
      attempt: task.attempt,
      signal: jail.gone,
      mayPublish,
    });
  }

  #tell(phase: string, percent: number, message: string): void {
    this.#service.onProgress({ phase, percent, message });
  }
}

async function endingOf(error: unknown, jail: JailProcess): Promise<Ending> {
  if (error instanceof NotPermitted) return { kind: 'overtaken' };
  if (jail.gone.aborted) return deathOf(await jail.exited);
  const unpacking = endingOfUnpacking(error);
  if (unpacking !== undefined) return unpacking;
  const { code, message } = refusalOf(error);
  return { kind: 'refused', code, message };
}

/** Whether the images, and all that they name, are the files they were, with nothing done to them since. */
async function stillHolds({ references, files }: KnownResult, service: AttemptService): Promise<boolean> {
  const { jail, settings: rules, task, onLife } = service;
  using desk = new ImageDesk({ rules, signal: jail.gone, onLife });
  try {
    for (const image of task.images) await desk.openImage(image);
    for (const { image, name, from } of references) desk.openReference(image, name, from);
  } catch {
    // whatever it is, the attempt meets it too, and tells
    return false;
  }
  return isDeepStrictEqual(desk.inputs.files, files);
}
