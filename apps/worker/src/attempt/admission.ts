import type { JobDocument } from '@guestkit/core/job/document';
import { ineligibility } from '@guestkit/core/job/eligibility';
import { isRetried } from '@guestkit/core/job/error-class';
import { jobError } from '@guestkit/core/job/error-code';
import type { EndCause } from '@guestkit/core/job/next-attempt';
import type { JobError } from '@guestkit/core/job/result';
import { epochMsOf } from '@guestkit/core/job/timestamp';
import type { Delivery } from '@guestkit/core/queue/job-queue';
import type { Operation } from '@guestkit/operations/operation';
import { knownCancel } from './cancellation.ts';
import type { AttemptHost } from './host.ts';
import { policyOf } from './retry.ts';
import { waitedTooLong } from './time-limits.ts';

/** Whether an attempt may begin here and now. */
export type Admission =
  | { readonly kind: 'admitted'; readonly operation: Operation; readonly payload: unknown }
  /** Not by this worker, or not yet. */
  | { readonly kind: 'postponed'; readonly reason: string }
  /** By no worker, ever. */
  | { readonly kind: 'refused'; readonly error: JobError; readonly because: EndCause };

/** A promise only where others have to be asked. */
export function admit(delivery: Delivery, host: AttemptHost): Admission | Promise<Admission> {
  const { document } = delivery.job;
  const unwanted = knownCancel(host.cancels, delivery.job) ?? waitedTooLong(delivery);
  if (unwanted) return refused(unwanted);
  const end = endOf(delivery, host);
  if (end) return end;
  const operation = host.operations.get(document.operation);
  if (operation === undefined) return admitElsewhere(document, host);
  const reason = ineligibility(document, host.advertise()) ?? jailFault(operation, host);
  return reason === undefined ? parsePayload(operation, document) : { kind: 'postponed', reason };
}

function endOf({ job, lostAttempts }: Delivery, host: AttemptHost): Admission | undefined {
  const { deadline } = job.document.execution;
  if (deadline !== undefined && epochMsOf(deadline) <= Date.now()) {
    const error = jobError('DEADLINE_EXCEEDED', `execution.deadline passed at ${deadline}, before the job was done`);
    return { kind: 'refused', error, because: 'deadline' };
  }
  if (lostAttempts === 0) return undefined;
  const because = isRetried('worker-lost', policyOf(job, host).retryOn) ? 'attempts' : 'class';
  if (because === 'attempts' && lostAttempts <= host.maxLostAttempts) return undefined;
  const error = jobError('WORKER_LOST', `${lostAttempts} workers vanished while running the job`);
  return { kind: 'refused', error, because };
}

async function admitElsewhere({ operation }: JobDocument, host: AttemptHost): Promise<Admission> {
  const { worker_pool } = host.advertise().configuration;
  const workers = await host.registry.list();
  const isOffered = workers.some(
    ({ capabilities, configuration }) =>
      configuration.worker_pool === worker_pool && capabilities.operations.includes(operation),
  );
  if (isOffered) return { kind: 'postponed', reason: `Another worker of the pool offers "${operation}"` };
  return refused(jobError('VALIDATION_ERROR', `Unsupported operation: ${operation}`));
}

function jailFault({ isolation }: Operation, { jails }: AttemptHost): string | undefined {
  return isolation === 'jail' && jails.fault ? `No jail starts at present: ${jails.fault}` : undefined;
}

function parsePayload(operation: Operation, { payload }: JobDocument): Admission {
  const parsed = operation.payload.safeParse(payload.data);
  if (parsed.success) return { kind: 'admitted', operation, payload: parsed.data };
  const [issue] = parsed.error.issues;
  const field = ['payload', 'data', ...(issue?.path ?? [])].map(String).join('.');
  const message = `Invalid field value: ${field} - ${issue?.message ?? 'not acceptable'}`;
  return refused(jobError('VALIDATION_ERROR', message, { field }));
}

function refused(error: JobError): Admission {
  return { kind: 'refused', error, because: 'class' };
}
