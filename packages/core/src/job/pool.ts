import type { JobDocument } from './document.ts';
import { invalidField, type Violation } from './violation.ts';

const POOL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A name fit for a queue: short, and free of the colon that separates the parts of Redis keys. */
export function isPoolName(text: string): boolean {
  return POOL_NAME.test(text);
}

/** The pool that runs a valid job: the one it asks for, else the default where the job allows it, else the first it allows. */
export function poolOf(document: JobDocument, defaultPool: string): string {
  const asked = document.routing?.worker_pool;
  const allowed = allowedPools(document);
  return asked ?? (allowed?.includes(defaultPool) === false ? allowed.find(isPoolName) : undefined) ?? defaultPool;
}

/** What is wrong with the pools a job names: the one asked for must be among those allowed, and be a possible name. */
export function poolViolation(document: JobDocument): Violation | undefined {
  const asked = document.routing?.worker_pool;
  const allowed = allowedPools(document);
  if (asked !== undefined && !isPoolName(asked)) return impossible('routing.worker_pool', asked);
  if (asked !== undefined && allowed?.includes(asked) === false) {
    return invalidField('routing.worker_pool', `'${asked}' is not in allowed_worker_pools [${allowed.join(', ')}]`);
  }
  const [first] = allowed?.some(isPoolName) === false ? allowed : [];
  return first === undefined ? undefined : impossible('constraints.allowed_worker_pools', first);
}

/** The pools a job may run in; `undefined` when any will do. An empty list is what clients write for no list. */
export function allowedPools(document: JobDocument): readonly string[] | undefined {
  const pools = document.constraints?.allowed_worker_pools;
  return pools && pools.length > 0 ? pools : undefined;
}

function impossible(field: string, pool: string): Violation {
  return invalidField(field, `'${pool}' is not the name of a pool (letters, digits, . _ -, up to 64)`);
}
