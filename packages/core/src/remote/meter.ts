import { RemoteError } from './remote-error.ts';

/** What reading an image cost. */
export interface RemoteUsage {
  readonly bytes_fetched: number;
  readonly requests: number;
  /** Reads that needed no request. */
  readonly cache_hits: number;
  /** Requests that were made again. */
  readonly retries: number;
}

/** What reading two images cost. */
export function addUsage(a: RemoteUsage, b: RemoteUsage): RemoteUsage {
  return {
    bytes_fetched: a.bytes_fetched + b.bytes_fetched,
    requests: a.requests + b.requests,
    cache_hits: a.cache_hits + b.cache_hits,
    retries: a.retries + b.retries,
  };
}

export interface RemoteBudget {
  readonly maxBytes: number;
  readonly maxRequests: number;
}

/** Counts what is fetched of one image, and ends it where the budget does. */
export class Meter {
  readonly #budget: RemoteBudget;
  #bytes = 0;
  #requests = 0;
  #cacheHits = 0;
  #retries = 0;

  constructor(budget: RemoteBudget) {
    this.#budget = budget;
  }

  get usage(): RemoteUsage {
    return {
      bytes_fetched: this.#bytes,
      requests: this.#requests,
      cache_hits: this.#cacheHits,
      retries: this.#retries,
    };
  }

  /** Before a request is made. @throws RemoteError `over-budget` */
  countRequest(): void {
    const { maxRequests } = this.#budget;
    if (this.#requests >= maxRequests) throw overBudget(`${maxRequests} requests`);
    this.#requests += 1;
  }

  /** How many of so many bytes may still be fetched. @throws RemoteError `over-budget` when there are fewer than needed */
  grant(wanted: number, needed: number): number {
    const left = this.#budget.maxBytes - this.#bytes;
    if (needed > left) throw overBudget(`${this.#budget.maxBytes} bytes`);
    return Math.min(wanted, left);
  }

  countBytes(count: number): void {
    this.#bytes += count;
  }

  countCacheHit(): void {
    this.#cacheHits += 1;
  }

  countRetry(): void {
    this.#retries += 1;
  }
}

function overBudget(allowed: string): RemoteError {
  return new RemoteError('over-budget', `Cannot read on: the image takes more than the ${allowed} that are allowed`);
}
