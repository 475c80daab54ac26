import * as z from 'zod';
import { PROBLEMS, type ProblemKind } from '../problem.ts';
import type { Answer, RouteDescription } from '../routes/route.ts';

type Json = Readonly<Record<string, unknown>>;

const problemSchema = z.object({
  error: z.enum(Object.values(PROBLEMS).map(({ code }) => code)),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** Describes the routes in OpenAPI 3.1. */
export function describeApi(routes: readonly RouteDescription[], version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'guestkit',
      version,
      description: 'Posts jobs that inspect VM disk images to a cluster of workers, and tells how they fare.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { header: [] }, { basic: [] }],
    paths: pathsOf(routes),
    components: {
      schemas: { Problem: z.toJSONSchema(problemSchema) },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        basic: { type: 'http', scheme: 'basic', description: 'Any user name, with the key as the password' },
      },
    },
  };
}

/** Problems that a route may answer with, those of every route included. */
export function problemsOf({ path, open, problems = [] }: RouteDescription): readonly ProblemKind[] {
  const guarded: readonly ProblemKind[] = open ? [] : ['unauthorized', 'forbidden', 'unavailable'];
  // a variable part may be badly encoded
  const named: readonly ProblemKind[] = path.includes(':') ? ['bad-request'] : [];
  return [...new Set([...problems, ...named, ...guarded, 'internal' as const])];
}

/** `/jobs/:id` as OpenAPI writes it. */
export function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function pathsOf(routes: readonly RouteDescription[]): Json {
  const byPath = Map.groupBy(routes, (route) => templateOf(route.path));
  return Object.fromEntries(
    [...byPath].map(([path, group]) => [
      path,
      Object.fromEntries(group.map((route) => [route.method, operationOf(route)])),
    ]),
  );
}

function operationOf(route: RouteDescription): Json {
  return {
    operationId: route.id,
    summary: route.summary,
    ...(route.description && { description: route.description }),
    ...(route.open && { security: [] }),
    parameters: parametersOf(route),
    ...(route.body && {
      requestBody: { required: route.mayLackBody !== true, content: bodiesOf(route.body, route.otherBodies) },
    }),
    responses: { ...problemAnswers(problemsOf(route)), ...dataAnswers(route.answers) },
  };
}

function bodiesOf(json: z.ZodType, others: RouteDescription['otherBodies'] = {}): Json {
  const bodies = { 'application/json': json, ...others };
  return Object.fromEntries(Object.entries(bodies).map(([media, schema]) => [media, { schema: inputOf(schema) }]));
}

function parametersOf({ path, query, headers }: RouteDescription): readonly Json[] {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1]);
  const inPath = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return [...inPath, ...declared('query', query), ...declared('header', headers)];
}

function declared(place: 'query' | 'header', schema: z.ZodObject | undefined): readonly Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, parameter]) => {
    const { description, ...rest } = outputOf(parameter);
    return { name, in: place, required: false, ...(description !== undefined && { description }), schema: rest };
  });
}

function dataAnswers(answers: Readonly<Record<number, Answer>>): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { meaning, content, headers }]) => [
      status,
      {
        description: meaning,
        ...(headers && { headers: headersOf(headers) }),
        content: Object.fromEntries(
          Object.entries(content).map(([media, schema]) => [media, { schema: outputOf(schema) }]),
        ),
      },
    ]),
  );
}

function headersOf(headers: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
}

/** Kinds that share a status share an answer. */
function problemAnswers(kinds: readonly ProblemKind[]): Json {
  const byStatus = Map.groupBy(kinds, (kind) => PROBLEMS[kind].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((kind) => `\`${PROBLEMS[kind].code}\`: ${PROBLEMS[kind].meaning}`).join('; '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function outputOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  return rest;
}

function inputOf(schema: z.ZodType): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
