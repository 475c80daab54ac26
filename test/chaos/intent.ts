/**
 * What a job is for, and so how it has to end:
 * `echo` gives back what it was given; `stamp` too, with a mark that no other attempt makes, and writes it to a file;
 * `inspect` reads a real guest, `absent` an image that is not there; `crash` ends its process in every attempt; `spin` never ends,
 * `deaf` neither, and does not listen to TERM; `parked` waits for a worker that does not exist.
 */
export type JobKind = 'echo' | 'stamp' | 'inspect' | 'absent' | 'crash' | 'spin' | 'deaf' | 'parked';

/** The body of a POST. */
export interface PostedJob {
  readonly job_id?: string;
  readonly operation: string;
  readonly metadata: { readonly name: string };
  readonly execution: Readonly<Record<string, unknown>> & {
    readonly idempotency_key?: string;
    readonly max_attempts?: number;
  };
  readonly payload: { readonly data: unknown };
  readonly routing?: { readonly worker_pool: string };
}

/** What a client wants to have happened once, however often it has to ask for it. */
export interface Intent {
  readonly n: number;
  readonly kind: JobKind;
  readonly job: PostedJob;
  /** Posted by so many clients at once. */
  readonly copies: number;
  /** Afterwards the same name is tried with other content, which has to be refused. */
  readonly conflicts: boolean;
  /** After its acceptance. */
  readonly cancelAfterMs?: number;
  /** Looked at until it ends, and once more. */
  readonly observed: boolean;
}

/** Whether asking again cannot make a second job. */
export function isRepeatable({ job }: Intent): boolean {
  return job.job_id !== undefined || job.execution.idempotency_key !== undefined;
}

/** By which the jobs of an intent are found again, whatever else became of them. */
export function nameOf(n: number): string {
  return `chaos-${n}`;
}

/** Where the result of a job is written, within the output root. */
export function destinationOf({ job }: Intent): string | undefined {
  const data = job.payload.data as { readonly output?: { readonly destination: string } } | null;
  return data?.output?.destination;
}
