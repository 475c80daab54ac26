import { expect } from 'vitest';
import * as z from 'zod';

// Holds every answer that a test sees against the API's own description.

type Json = Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, Described>>;
}

interface Described {
  readonly content: Readonly<Record<string, { readonly schema: Json }>>;
}

export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Problem: Json } };
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly mediaType: string;
  readonly body: unknown;
}

/** Fails unless the status and the shape of an answer are described. Addresses that are not described must be 404. */
export function expectDescribed(
  description: ApiDescription,
  { method, path, status, mediaType, body }: Exchange,
): void {
  const operations = pathOf(description, path);
  const operation = operations?.[method.toLowerCase()];
  if (operation === undefined) {
    expectProblem(description, { status, body }, operations === undefined ? 404 : 405);
    return;
  }
  const content = operation.responses[status]?.content[mediaType];
  expect(content, `${method} ${path} → ${status} ${mediaType} is described`).toBeDefined();
  if (mediaType === 'application/json') expectShape(resolved(description, content?.schema ?? {}), body);
}

function expectProblem(
  description: ApiDescription,
  { status, body }: Pick<Exchange, 'status' | 'body'>,
  expected: number,
): void {
  // whoever has no key learns nothing of which addresses there are
  expect([expected, 401, 403]).toContain(status);
  expectShape(description.components.schemas.Problem, body);
}

function expectShape(schema: Json, body: unknown): void {
  const checked = z.fromJSONSchema(schema).safeParse(body);
  expect(checked.error?.issues ?? []).toEqual([]);
}

function pathOf({ paths }: ApiDescription, path: string): ApiDescription['paths'][string] | undefined {
  const [plain = ''] = path.split('?');
  const matches = Object.keys(paths).filter((template) =>
    new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(plain),
  );
  // a fixed address before one with a variable
  return paths[matches.sort((a, b) => a.split('{').length - b.split('{').length)[0] ?? ''];
}

function resolved({ components }: ApiDescription, schema: Json): Json {
  return schema.$ref === '#/components/schemas/Problem' ? components.schemas.Problem : schema;
}
