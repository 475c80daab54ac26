import type { JobDocument } from './document.ts';
import { validationError } from './job-document-error.ts';
import { invalidField } from './validate.ts';

const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A name fit for a queue: short, and free of the colon that separates the parts of Redis keys. */
export function isPoolName(text: string): boolean {
  return POOL_NAME.test(text);
}

/**
 * The pool that runs a job: the one it asks for, else the default where the job allows it, else the first it allows.
 * @throws JobDocumentError when the pool asked for is not among those allowed, or no pool can have that name
 */
export function poolOf(document: JobDocument, defaultPool: string): string {
  const asked = document.routing?.worker_pool;
  const allowed = allowedPools(document);
  if (asked !== undefined && allowed && !allowed.includes(asked)) {
    const list = allowed.join(', ');
    throw validationError(invalidField('routing.worker_pool', `'${asked}' is not in allowed_worker_pools [${list}]`));
  }
  const pool = asked ?? (allowed?.includes(defaultPool) === false ? allowed[0] : undefined) ?? defaultPool;
  if (isPoolName(pool)) return pool;
  const field = asked === undefined ? 'constraints.allowed_worker_pools' : 'routing.worker_pool';
  throw validationError(invalidField(field, `'${pool}' is not the name of a pool (letters, digits, . _ -, up to 64)`));
}

/** The pools a job may run in; `undefined` when any will do. An empty list is what clients write for no list. */
export function allowedPools(document: JobDocument): readonly string[] | undefined {
  const pools = document.constraints?.allowed_worker_pools;
  return pools && pools.length > 0 ? pools : undefined;
}
