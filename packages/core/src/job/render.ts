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
  return hash('sha256', sortedObject(document, WRITTEN_ANEW));
}

const WRITTEN_ANEW: ReadonlySet<string> = new Set(['$schema', 'job_id', 'created_at', 'observability']);
const NOTHING: ReadonlySet<string> = new Set();

/** As JSON, the members of objects in the order of their keys. Rows have hashes of this text: it must stay as it is. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  return typeof value === 'object' && value !== null ? sortedObject(value, NOTHING) : JSON.stringify(value);
}

/** Entries, so that a key may be anything. */
function sortedObject(members: object, left: ReadonlySet<string>): string {
  let entries = '';
  for (const key of Object.keys(members).sort()) {
    const member: unknown = (members as Readonly<Record<string, unknown>>)[key];
    // a member that is not there may be written as undefined
    if (member === undefined || left.has(key)) continue;
    entries += `${entries && ','}[${JSON.stringify(key)},${sorted(member)}]`;
  }
  return `{"sorted":[${entries}]}`;
}
