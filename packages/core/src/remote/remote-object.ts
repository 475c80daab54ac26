import { Buffer } from 'node:buffer';
import type { Meter } from './meter.ts';
import { RemoteError } from './remote-error.ts';
import { FIRST_PAUSE_MS, withRetries } from './retry.ts';
import type { ObjectVersion, RangeAnswer, Transport } from './transport.ts';

/** From a server that knows no ranges, an image of this size is taken whole. */
const MAX_WHOLE_BYTES = 16 * 2 ** 20;

export interface RemoteObjectOptions {
  readonly transport: Transport;
  readonly shown: string;
  readonly meter: Meter;
  /** Of one request, to its last byte. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Before a request is repeated; tests wait less. */
  readonly pauseMs?: number | undefined;
  /** Told of every answer. */
  readonly onAnswer?: (() => void) | undefined;
}

export interface OpenedObject {
  readonly object: RemoteObject;
  /** Its first bytes, which came with the answer that told its size. */
  readonly head: Uint8Array;
}

/** One content of an object on a server that is not believed: every answer must be about it, and of the right length. */
export class RemoteObject {
  readonly sizeBytes: number;
  readonly version: ObjectVersion;
  readonly #asker: Asker;

  private constructor(asker: Asker, sizeBytes: number, version: ObjectVersion) {
    this.#asker = asker;
    this.sizeBytes = sizeBytes;
    this.version = version;
  }

  /** Finds out the size with the first bytes: not every server lets a client ask for the size alone. @throws RemoteError */
  static async open(options: RemoteObjectOptions, headBytes: number): Promise<OpenedObject> {
    const asker = new Asker(options);
    const { bytes, sizeBytes, version } = await asker.ask(0, headBytes);
    return { object: new RemoteObject(asker, sizeBytes, version), head: bytes };
  }

  /** @throws RemoteError, or the reason of the signal */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const { bytes } = await this.#asker.ask(offset, length, this);
    return bytes;
  }
}

interface Told {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  readonly version: ObjectVersion;
}

type Known = Pick<RemoteObject, 'sizeBytes' | 'version'>;

class Asker {
  readonly #options: RemoteObjectOptions;

  constructor(options: RemoteObjectOptions) {
    this.#options = options;
  }

  ask(start: number, length: number, known?: Known): Promise<Told> {
    const { signal, meter, pauseMs = FIRST_PAUSE_MS } = this.#options;
    const onRetry = () => meter.countRetry();
    return withRetries(() => this.#askOnce(start, length, known), { signal, onRetry, pauseMs });
  }

  async #askOnce(start: number, length: number, known: Known | undefined): Promise<Told> {
    const { transport, timeoutMs, meter, onAnswer } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const version = known?.version;
      const answer = await transport.get({ start, last: start + length - 1, version, signal, meter });
      onAnswer?.();
      return await this.#judge(answer, { start, length, known });
    } catch (error) {
      if (error instanceof RemoteError) throw error;
      this.#options.signal.throwIfAborted();
      throw this.#fault('unreachable', `the server does not answer${reasonOf(error)}`, { cause: error });
    }
  }

  async #judge(answer: RangeAnswer, wanted: Wanted): Promise<Told> {
    try {
      this.#checkStatus(answer, wanted);
      if (answer.status === 416) return this.#nothing(answer);
      this.#checkEncoding(answer);
      return answer.status === 200 ? await this.#takeWhole(answer) : await this.#takeRange(answer, wanted);
    } catch (error) {
      answer.discard();
      throw error;
    }
  }

  #checkStatus({ status, retryAfter, contentRange, ...version }: RangeAnswer, { known }: Wanted): void {
    if (status === 401 || status === 403) throw this.#fault('forbidden', `the server does not allow it (${status})`);
    if (status === 404 || status === 410) throw this.#fault('not-found', `the server has no such object (${status})`);
    if (status === 412) throw this.#changed();
    if (status === 416 && known === undefined && contentRange === 'bytes */0') return;
    if (status === 416) throw this.#changed();
    if (isPassing(status)) {
      throw this.#fault('unreachable', `the server answers ${status}`, { waitMs: Number(retryAfter ?? 0) * 1000 || 0 });
    }
    if (status !== 200 && status !== 206) throw this.#fault('malformed', `the server answers ${status}`);
    if (known !== undefined && !isSame(known.version, version)) throw this.#changed();
    if (known !== undefined && status === 200) throw this.#fault('unsupported', 'the server ceased to serve ranges');
  }

  #checkEncoding({ contentEncoding = 'identity' }: RangeAnswer): void {
    if (contentEncoding.toLowerCase() === 'identity') return;
    throw this.#fault('unsupported', 'the server serves it compressed, though it was asked not to');
  }

  /** Of an empty object no range can be had. */
  #nothing({ etag, lastModified }: RangeAnswer): Told {
    return { bytes: new Uint8Array(), sizeBytes: 0, version: { etag, lastModified } };
  }

  async #takeWhole(answer: RangeAnswer): Promise<Told> {
    const { contentLength: sizeBytes, etag, lastModified } = answer;
    if (sizeBytes === undefined || sizeBytes > MAX_WHOLE_BYTES) {
      const state = `the server serves no ranges, and it may be larger than ${MAX_WHOLE_BYTES / 2 ** 20} MiB`;
      throw this.#fault('unsupported', state);
    }
    return { bytes: await this.#collect(answer, sizeBytes), sizeBytes, version: { etag, lastModified } };
  }

  async #takeRange(answer: RangeAnswer, { start, length, known }: Wanted): Promise<Told> {
    const { etag, lastModified } = answer;
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(answer.contentRange ?? '')?.map(Number) ?? [];
    if (total === undefined)
      throw this.#fault('malformed', 'the server does not tell which range it serves, of how many bytes');
    if (known !== undefined && total !== known.sizeBytes) throw this.#changed();
    const expected = Math.min(length, total - start);
    if (!Number.isSafeInteger(total) || first !== start || last !== start + expected - 1) {
      throw this.#fault('malformed', 'the server serves another range than it was asked for');
    }
    return { bytes: await this.#collect(answer, expected), sizeBytes: total, version: { etag, lastModified } };
  }

  async #collect({ body }: RangeAnswer, length: number): Promise<Uint8Array> {
    const { meter, onAnswer } = this.#options;
    meter.grant(length, length);
    const bytes = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    for await (const chunk of body) {
      meter.countBytes(chunk.length);
      if (chunk.length > length - filled) throw this.#fault('malformed', 'the server sends more than it announced');
      bytes.set(chunk, filled);
      filled += chunk.length;
      onAnswer?.();
    }
    if (filled < length) throw this.#fault('unreachable', `the server sent ${filled} of ${length} bytes`);
    return bytes;
  }

  #changed(): RemoteError {
    return this.#fault('changed', 'it was written to since it was opened');
  }

  #fault(
    kind: RemoteError['kind'],
    state: string,
    more?: { readonly cause?: unknown; readonly waitMs?: number },
  ): RemoteError {
    return new RemoteError(kind, `Cannot read "${this.#options.shown}": ${state}`, more);
  }
}

interface Wanted {
  readonly start: number;
  readonly length: number;
  readonly known: Known | undefined;
}

/** Too early, too many, or a fault of the server's own. */
function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** What one of the two does not tell cannot differ. */
function isSame(a: ObjectVersion, b: ObjectVersion): boolean {
  const fits = (one: string | undefined, other: string | undefined) =>
    one === undefined || other === undefined || one === other;
  return fits(a.etag, b.etag) && fits(a.lastModified, b.lastModified);
}

/** The code alone: messages of the system hold addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error.name === 'TimeoutError' || (error.cause as Error | undefined)?.name === 'TimeoutError') return ' in time';
  return 'code' in error && typeof error.code === 'string' && error.code !== 'ABORT_ERR' ? ` (${error.code})` : '';
}
