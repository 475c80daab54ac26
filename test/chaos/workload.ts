import { type Intent, type JobKind, nameOf, type PostedJob } from './intent.ts';
import type { Random } from './random.ts';

export interface WorkloadOptions {
  readonly jobs: number;
  readonly random: Random;
  /** The real guest that is inspected. */
  readonly image: string;
  readonly mix?: Readonly<Partial<Record<JobKind, number>>>;
  /** Of those that are cancelled. */
  readonly cancelShare?: number;
  readonly longestCancelMs?: number;
  /** How long a `stamp` may take. */
  readonly longestHoldMs?: number;
  /** After which the endless loop of a job times out. */
  readonly spinSeconds?: number;
}

/** Out of a thousand jobs. The kinds that take a process each cost a hundred times what an echo does. */
const MIX: Partial<Record<JobKind, number>> = { echo: 952, inspect: 15, stamp: 15, crash: 6, absent: 6, spin: 6 };
const CANCEL_SHARE = 0.03;
const LONGEST_CANCEL_MS = 3_000;
/** Enough for whatever a nemesis may do to a job that is able to succeed. */
const MANY_ATTEMPTS = 20;

/** Kinds that no end but a cancel awaits. */
const ENDLESS: readonly JobKind[] = ['deaf', 'parked'];

/** What the clients of a run want: the same for the same seed. */
export function planWorkload(options: WorkloadOptions): readonly Intent[] {
  const mix = Object.entries({ ...MIX, ...options.mix }).flatMap(([kind, share]) =>
    Array.from({ length: share }, () => kind as JobKind),
  );
  return Array.from({ length: options.jobs }, (_, index) => planIntent(index + 1, mix, options));
}

function planIntent(n: number, mix: readonly JobKind[], options: WorkloadOptions): Intent {
  const { random, cancelShare = CANCEL_SHARE, longestCancelMs = LONGEST_CANCEL_MS } = options;
  const kind = random.pick(mix);
  // somebody must know it to cancel it, also when its acceptance went unheard
  const naming = planNaming(n, random, { isNamed: ENDLESS.includes(kind) || kind === 'spin' });
  const isCancelled = random.chance(cancelShare) || ENDLESS.includes(kind);
  return {
    n,
    kind,
    job: { ...naming.id, ...planJob(n, kind, naming.key, options) },
    copies: naming.isNamed && random.chance(0.05) ? 2 : 1,
    conflicts: naming.isNamed && random.chance(0.02),
    ...(isCancelled && { cancelAfterMs: random.integer(0, longestCancelMs) }),
    observed: random.chance(0.05),
  };
}

interface Naming {
  readonly id: { readonly job_id?: string };
  readonly key: { readonly idempotency_key?: string };
  readonly isNamed: boolean;
}

/** By an id of the client's own, by an idempotency key, by both, or by nothing. */
function planNaming(n: number, random: Random, wanted: Pick<Naming, 'isNamed'>): Naming {
  const suffix = `${n}-${random.integer(0, 2 ** 32).toString(36)}`;
  const draw = random.next();
  const hasKey = draw > 0.45 && draw < 0.85;
  const hasId = draw < 0.55 || (wanted.isNamed && !hasKey);
  return {
    id: hasId ? { job_id: `chaos-job-${suffix}` } : {},
    key: hasKey ? { idempotency_key: `chaos-key-${suffix}` } : {},
    isNamed: hasId || hasKey,
  };
}

function planJob(
  n: number,
  kind: JobKind,
  key: Naming['key'],
  { random, image, spinSeconds = 1, longestHoldMs = 1_500 }: WorkloadOptions,
): Omit<PostedJob, 'job_id'> {
  const priority = random.integer(1, 10);
  const posted = (operation: string, data: unknown, execution: object): Omit<PostedJob, 'job_id'> => ({
    operation,
    metadata: { name: nameOf(n) },
    execution: { priority, ...key, ...execution },
    payload: { data },
  });
  const text = `${n}:${random.integer(0, 2 ** 32).toString(36)}`;
  const output = { format: 'json', destination: `${nameOf(n)}.json` };
  const withOutput = random.chance(0.5) ? { output } : {};
  const source = { path: image, format: 'qcow2' };
  switch (kind) {
    case 'echo':
      return posted('system.echo', { n, text, list: [n, null, true] }, {});
    case 'stamp':
      return posted(
        'chaos.stamp',
        { n, text, holdMs: random.integer(50, longestHoldMs), output },
        { max_attempts: MANY_ATTEMPTS },
      );
    case 'inspect':
      return posted('guestkit.inspect', { image: source, ...withOutput }, { max_attempts: MANY_ATTEMPTS });
    case 'absent':
      return posted('guestkit.inspect', { image: { ...source, path: `${image}.absent` } }, { max_attempts: 2 });
    case 'crash':
      return posted('chaos.crash', { n }, { max_attempts: random.integer(1, 3) });
    case 'spin':
      return posted('chaos.spin', { n }, { timeout_seconds: spinSeconds });
    case 'deaf':
      return posted('chaos.deaf', { n }, { max_attempts: MANY_ATTEMPTS });
    case 'parked':
      return { ...posted('system.echo', { n }, {}), routing: { worker_pool: 'nobody' } };
  }
}
