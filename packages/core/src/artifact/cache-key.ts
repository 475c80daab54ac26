import { createHash } from 'node:crypto';

/** Where results lie that may be answered again. */
export const CACHE_FOLDER = 'cache/';
/** No worker may keep them for longer. */
export const MAX_CACHE_HOURS = 168;

/** What a result depends on, besides the files that it was read from: those are compared when it is found. */
export interface CachedQuestion {
  readonly tenant: string;
  readonly operation: string;
  /** Of the program. */
  readonly version: string;
  readonly [more: string]: unknown;
}

export function cacheKey(question: CachedQuestion): string {
  const digest = createHash('sha256').update(JSON.stringify(question)).digest('hex');
  return `${CACHE_FOLDER}${question.tenant}/${digest.slice(0, 2)}/${digest}`;
}
