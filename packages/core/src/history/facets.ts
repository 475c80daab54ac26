import { hash } from 'node:crypto';
import type { JobDocument } from '../job/document.ts';

// A facet stands for one label, or one value at one path of a payload: a number that an index finds jobs by. It is part of a hash over
// the tenant and what it stands for, so that it tells them apart but for an accident of one in 2^52.

/** Of a payload, only the first values are found: an index has to stay in proportion. */
const MAX_PAYLOAD_FACETS = 256;

type Scalar = string | number | boolean | null;

/** The facets of a job, each once. */
export function facetsOf(tenant: string, { metadata, payload }: Pick<JobDocument, 'metadata' | 'payload'>): number[] {
  const labels = Object.entries(metadata?.labels ?? {}).map(([name, value]) => labelFacet(tenant, name, value));
  const values = scalarsOf(payload.data).take(MAX_PAYLOAD_FACETS);
  return [...new Set([...labels, ...values.map(([path, value]) => payloadFacet(tenant, path, value))])];
}

export function labelFacet(tenant: string, name: string, value: string): number {
  return facet([tenant, 'label', name, value]);
}

export function payloadFacet(tenant: string, path: readonly string[], value: Scalar): number {
  return facet([tenant, 'payload', path, value]);
}

function facet(facts: readonly unknown[]): number {
  return Number.parseInt(hash('sha1', JSON.stringify(facts)).slice(0, 13), 16);
}

function* scalarsOf(value: unknown, path: readonly string[] = []): Generator<[readonly string[], Scalar]> {
  if (typeof value !== 'object' || value === null) {
    yield [path, value as Scalar];
    return;
  }
  for (const [name, member] of Object.entries(value)) yield* scalarsOf(member, [...path, name]);
}
