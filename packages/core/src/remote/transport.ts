import type { Meter } from './meter.ts';

// What asks a server for a range of bytes, by whatever protocol.

export interface Transport extends Disposable {
  /** @throws RemoteError, or the reason of the signal */
  get(request: RangeRequest): Promise<RangeAnswer>;
}

export interface RangeRequest {
  readonly start: number;
  /** The last byte, as HTTP counts. */
  readonly last: number;
  /** Of the object that is expected; absent when it is opened. */
  readonly version: ObjectVersion | undefined;
  readonly signal: AbortSignal;
  readonly meter: Meter;
}

/** How a server tells one content of an object from another. */
export interface ObjectVersion {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export interface RangeAnswer extends ObjectVersion {
  readonly status: number;
  /** `bytes 0-99/1234` */
  readonly contentRange: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: number | undefined;
  readonly retryAfter: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Wants no more of the body. */
  discard(): void;
}
