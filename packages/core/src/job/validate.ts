import type { JobDocument } from './document.ts';
import { isJobId } from './job-id.ts';
import { poolViolation } from './pool.ts';
import { retryViolation } from './retry-violation.ts';
import { invalidField, type Violation } from './violation.ts';

type Rule = (document: JobDocument) => Violation | undefined;

// protocol section 4, in its order
const RULES: readonly Rule[] = [
  ({ version }) =>
    version === '1.0' ? undefined : { field: 'version', message: `Unsupported protocol version: ${version}` },
  ({ job_id }) => required('job_id', job_id),
  ({ job_id }) => invalid(Buffer.byteLength(job_id) < 8, 'job_id', 'must be at least 8 bytes long'),
  ({ job_id }) => invalid(!isJobId(job_id), 'job_id', 'must be 8 to 128 of A-Z a-z 0-9 . _ ~ - and not only dots'),
  ({ kind }) => invalid(kind !== 'VMOperation', 'kind', `must be 'VMOperation', got '${kind}'`),
  ({ operation }) => required('operation', operation),
  ({ operation }) =>
    invalid(!operation.includes('.'), 'operation', `must be namespaced like 'guestkit.inspect', got '${operation}'`),
  ({ payload }) => required('payload.type', payload.type),
  ({ payload }) =>
    invalid(
      !isVersionedType(payload.type),
      'payload.type',
      `must be like 'guestkit.inspect.v1', got '${payload.type}'`,
    ),
  ({ execution: { priority } }) =>
    invalid(priority < 1 || priority > 10, 'execution.priority', `must be 1 to 10, got ${priority}`),
  ({ execution }) => invalid(execution.max_attempts < 1, 'execution.max_attempts', 'must be at least 1'),
  ({ execution: { attempt, max_attempts } }) =>
    invalid(attempt > max_attempts, 'execution.attempt', `${attempt} is more than max_attempts ${max_attempts}`),
  ({ constraints }) =>
    invalid(constraints?.minimum_worker_version === '', 'constraints.minimum_worker_version', 'must not be empty'),
  // ours, last: clients of old see the failures they know first
  poolViolation,
  retryViolation,
];

/** The first rule of the protocol that the document breaks. */
export function violationOf(document: JobDocument): Violation | undefined {
  for (const rule of RULES) {
    const violation = rule(document);
    if (violation) return violation;
  }
  return undefined;
}

function required(field: string, value: string): Violation | undefined {
  return value === '' ? { field, message: `Missing required field: ${field}` } : undefined;
}

function invalid(broken: boolean, field: string, reason: string): Violation | undefined {
  return broken ? invalidField(field, reason) : undefined;
}

/** At least three parts, the last of them a version; its digits are not looked at. */
function isVersionedType(type: string): boolean {
  const parts = type.split('.');
  return parts.length >= 3 && parts.at(-1)?.startsWith('v') === true;
}
