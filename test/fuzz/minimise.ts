import type { Case } from './hunt.ts';

/** The fewest edits of a case with which it still does what it did. Each is left out in turn until none can be. */
export function minimise(found: Case, stillDoes: (smaller: Case) => boolean): Case {
  let smallest = found;
  const tryIt = (smaller: Case) => {
    if (stillDoes(smaller)) smallest = smaller;
  };
  for (let index = found.edits.length - 1; index >= 0; index--) {
    tryIt({ ...smallest, edits: smallest.edits.filter((_, at) => at !== index) });
  }
  if (smallest.length !== smallest.seed.bytes.length) tryIt({ ...smallest, length: smallest.seed.bytes.length });
  if (smallest.isSealed) tryIt({ ...smallest, isSealed: false });
  return smallest;
}
