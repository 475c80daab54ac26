import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JobDocument, jobDocumentSchema } from './document.ts';
import { fastShapeOf } from './fast-shape.ts';

const WHOLE: JobDocument = jobDocumentSchema.parse({
  $schema: 's',
  version: '1.0',
  job_id: 'job-test-0001',
  created_at: '2026-05-04T08:00:00Z',
  kind: 'VMOperation',
  operation: 'system.echo',
  metadata: { name: 'n', namespace: 'm', labels: { a: 'b' }, annotations: {} },
  execution: { idempotency_key: 'k', deadline: '2026-05-04T08:00:00+02:00', timeouts: { wait_seconds: 1 } },
  constraints: { required_features: ['lvm'], maximum_disk_size_gb: 1 },
  routing: { worker_pool: 'p', affinity: { zone: 'a' } },
  payload: { type: 'system.echo.v1', data: null },
  observability: { trace_id: 't' },
  audit: { submitted_by: 'me', authorization: { method: 'key', subject: 'me' } },
});

const fast = fastShapeOf(jobDocumentSchema);

describe('fastShapeOf', () => {
  test('answers as the schema does when any member anywhere is absent, null or of another type', () => {
    const members = pathsOf(WHOLE);
    const change = fc.record({
      path: fc.constantFrom(...members),
      value: fc.constantFrom(undefined, null, 1, 'x', [], {}, true),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const document = structuredClone(WHOLE) as unknown as Record<string, unknown>;
        // of their own: a later change reaches into what an earlier one has put
        for (const { path, value } of changes) replaceAt(document, path, structuredClone(value));
        const expected = jobDocumentSchema.safeParse(document);
        const found = fast.parse(document);
        expect(found).toEqual(expected.success ? expected.data : undefined);
        // documents are written in the order of their members
        expect(JSON.stringify(found)).toBe(JSON.stringify(expected.data));
      }),
      { numRuns: 2000 },
    );
  });
});

type Path = readonly string[];

function pathsOf(value: unknown): Path[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => [[key], ...pathsOf(member).map((path) => [key, ...path])]);
}

function replaceAt(document: Record<string, unknown>, path: Path, value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) document[key] = value;
  else if (typeof document[key] === 'object' && document[key] !== null) {
    replaceAt(document[key] as Record<string, unknown>, rest, value);
  }
}
