import type { Constraints, JobDocument, Routing } from './document.ts';
import { allowedPools } from './pool.ts';
import { isAtLeast } from './version.ts';

/** What of a worker's advertisement decides whether it may run a job. */
export interface WorkerOffer {
  readonly worker_id: string;
  readonly version: string;
  readonly hostname: string;
  readonly capabilities: {
    readonly operations: readonly string[];
    readonly features: readonly string[];
    readonly disk_formats: readonly string[];
  };
  /** 0 where the worker sets no bound. */
  readonly resources: { readonly max_disk_size_gb: number };
  readonly configuration: {
    readonly privileged: boolean;
    readonly worker_pool: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

type Check = (
  demands: { readonly constraints: Constraints; readonly routing: Routing },
  worker: WorkerOffer,
) => string | undefined;

// most jobs demand little, and every attempt is checked: what the worker offers is gathered only where it is asked for
const CHECKS: readonly Check[] = [
  ({ routing }, worker) => unlessSame('id', routing.worker_id, worker.worker_id),
  ({ routing }, worker) => unlessSame('pool', routing.worker_pool, worker.configuration.worker_pool),
  ({ constraints: { required_capabilities: required } }, { capabilities: { operations, features, disk_formats } }) =>
    required && unlessOffered(required, [...operations, ...features, ...disk_formats]),
  ({ constraints: { required_features: required } }, { capabilities }) =>
    required && unlessOffered(required, capabilities.features),
  ({ constraints }, worker) => unlessRecent(constraints.minimum_worker_version, worker.version),
  ({ constraints }, worker) =>
    constraints.require_privileged && !worker.configuration.privileged ? 'Worker is not privileged' : undefined,
  ({ constraints }, worker) => unlessLarge(constraints.maximum_disk_size_gb, worker.resources.max_disk_size_gb),
  ({ routing: { affinity } }, worker) => affinity && unlessLabelled(affinity, labelsOf(worker)),
  ({ routing: { anti_affinity: avoided } }, worker) => avoided && ifAvoided(avoided, labelsOf(worker)),
];

/** Why a worker may not run a job by the job's `constraints` and `routing`; `undefined` when it may. */
export function ineligibility(document: JobDocument, worker: WorkerOffer): string | undefined {
  const pools = allowedPools(document);
  const pool = worker.configuration.worker_pool;
  if (pools && !pools.includes(pool)) return `Worker pool is "${pool}", required one of [${pools.join(', ')}]`;
  const demands = { constraints: document.constraints ?? {}, routing: document.routing ?? {} };
  for (const check of CHECKS) {
    const reason = check(demands, worker);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Affinities match a worker's labels, and its host name as `host`. */
function labelsOf(worker: WorkerOffer): ReadonlyMap<string, string> {
  return new Map(Object.entries({ host: worker.hostname, ...worker.configuration.labels }));
}

function unlessSame(what: string, required: string | undefined, actual: string): string | undefined {
  if (required === undefined || required === actual) return undefined;
  return `Worker ${what} is "${actual}", required "${required}"`;
}

function unlessOffered(required: readonly string[], available: readonly string[]): string | undefined {
  if (required.every((capability) => available.includes(capability))) return undefined;
  return `Capability mismatch: required [${required.join(', ')}], available [${available.join(', ')}]`;
}

/** A minimum that is no version is met by nobody: constraints are enforced, never ignored. */
function unlessRecent(minimum: string | undefined, version: string): string | undefined {
  if (minimum === undefined || isAtLeast(version, minimum)) return undefined;
  return `Worker version is ${version}, required at least ${minimum}`;
}

function unlessLarge(required: number | undefined, bound: number): string | undefined {
  if (required === undefined || bound === 0 || required <= bound) return undefined;
  return `Worker takes disks of up to ${bound} GB, required ${required} GB`;
}

function unlessLabelled(
  affinity: Readonly<Record<string, string>>,
  labels: ReadonlyMap<string, string>,
): string | undefined {
  const missing = Object.entries(affinity).find(([key, value]) => labels.get(key) !== value);
  return missing && `Worker label "${missing[0]}" is ${show(labels.get(missing[0]))}, required "${missing[1]}"`;
}

function ifAvoided(
  antiAffinity: Readonly<Record<string, readonly string[]>>,
  labels: ReadonlyMap<string, string>,
): string | undefined {
  const hit = Object.entries(antiAffinity).find(([key, avoided]) => {
    const label = labels.get(key);
    return label !== undefined && avoided.includes(label);
  });
  return hit && `Worker label "${hit[0]}" is ${show(labels.get(hit[0]))}, required none of [${hit[1].join(', ')}]`;
}

function show(label: string | undefined): string {
  return label === undefined ? 'not set' : `"${label}"`;
}
