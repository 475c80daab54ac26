/** A stored object, without its content. */
export interface ArtifactStat {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** What was stored. */
export interface ArtifactReceipt {
  readonly sizeBytes: number;
  /** SHA-256 of the content, in hex. */
  readonly sha256: string;
}

export interface ArtifactContent extends AsyncDisposable {
  readonly sizeBytes: number;
  /** To be read once. Disposing of the content ends a reading that is not through. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface PutOptions {
  /** Fires when the writer may no longer publish: then nothing appears under the key. */
  readonly signal?: AbortSignal;
}

/**
 * Keeps what is too large for Redis and SQL: objects under keys (see key.ts), seen whole or not at all. Storing under a key again
 * replaces what it held.
 */
export interface ArtifactStore extends AsyncDisposable {
  /** Where it keeps things, without secrets. */
  readonly address: string;
  /** Resolves once the object is durable. */
  put(key: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<ArtifactReceipt>;
  /** `undefined` when there is no such object. */
  get(key: string): Promise<ArtifactContent | undefined>;
  stat(key: string): Promise<ArtifactStat | undefined>;
  /** Those that are absent already are passed over. */
  delete(keys: readonly string[]): Promise<void>;
  /** What lies below a folder such as `artifacts/`, in no particular order. */
  list(folder: string): AsyncIterable<ArtifactStat>;
}
