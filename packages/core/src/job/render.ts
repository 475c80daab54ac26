import { hash } from 'node:crypto';
import { type JobDocument, jobDocumentSchema } from './document.ts';

/** The JSON of a document: members in the protocol's order, absent ones left out, but for `$schema`, which is then null. */
export function renderJobDocument(document: JobDocument): string {
  // the schema builds its answer in the order of its own members
  const { $schema = null, ...members } = jobDocumentSchema.parse(document);
  return JSON.stringify({ $schema, ...members });
}

/**
 * Tells two requests for the same work from two different ones that share a `job_id` or an idempotency key. What a client's retry
 * may write anew does not count: `$schema`, `job_id`, `created_at` and `observability`.
 */
export function contentHash(document: JobDocument): string {
  const { $schema, job_id, created_at, observability, ...content } = document;
  return hash('sha256', JSON.stringify(sorted(content)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  // entries, not an object: those put keys like "1" first whatever the order, and cannot hold "__proto__"
  const entries: unknown[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    // a member that is not there may be written as undefined
    if (member !== undefined) entries.push([key, sorted(member)]);
  }
  return { sorted: entries };
}
