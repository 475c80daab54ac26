import { type JobDocument, jobDocumentSchema } from '@guestkit/core/job/document';

/** A valid job document; what a test cares about is given, the rest is of no importance. */
export function jobDocument(given: Readonly<Record<string, unknown>> = {}): JobDocument {
  return jobDocumentSchema.parse({
    version: '1.0',
    job_id: 'job-test-0001',
    created_at: '2026-05-04T08:00:00Z',
    kind: 'VMOperation',
    operation: 'system.echo',
    payload: { type: 'system.echo.v1', data: { ping: 1 } },
    ...given,
  });
}
