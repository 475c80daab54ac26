import type { Request } from 'express';
import * as z from 'zod';
import { Problem } from '../problem.ts';

/** A parameter that may be given once. */
export function single<Schema extends z.ZodType<unknown, string>>(schema: Schema) {
  return z
    .array(z.string())
    .max(1, 'it is given more than once')
    .transform(([value = '']) => value)
    .pipe(schema);
}

/** A parameter that may be repeated, or hold several values parted by commas. */
export function several<Schema extends z.ZodType<unknown, string>>(item: Schema) {
  return z
    .array(z.string())
    .transform((values) => values.flatMap((value) => value.split(',')))
    .pipe(z.array(item));
}

/** Digits only: JavaScript would read an empty text, or "0x10", as a number too. */
export function wholeNumber(range: { readonly min: number; readonly max: number }) {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.int().min(range.min).max(range.max));
}

/** Reads the query of a request. @throws Problem `bad-request` */
export function readQuery<Shape extends z.ZodRawShape>(request: Request, schema: z.ZodObject<Shape>) {
  return readParameters(valuesOf(request), schema, badQuery);
}

/** Unknown parameters are refused: a mistyped filter must not list everything. */
export function readParameters<Shape extends z.ZodRawShape>(
  values: ReadonlyMap<string, readonly string[]>,
  schema: z.ZodObject<Shape>,
  refuse: (name: string, reason: string) => Problem,
): z.output<z.ZodObject<Shape>> {
  const known = Object.keys(schema.shape);
  const stray = [...values.keys()].find((name) => !known.includes(name));
  if (stray !== undefined) {
    throw refuse(stray, `it is not known here, expected one of ${known.join(', ')}`);
  }
  const parsed = schema.safeParse(Object.fromEntries(values));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse(String(issue?.path[0]), issue?.message ?? 'it is not valid');
}

/** The parameters of a list that comes in pages. */
export function pageShape(what: string) {
  return {
    limit: single(wholeNumber({ min: 1, max: 1000 }))
      .optional()
      .describe(`${what} in a page, 100 when not given`),
    cursor: single(z.string().min(1)).optional().describe('`next_cursor` of the page before'),
  };
}

/** For what a list throws. */
export function refuseCursor(error: unknown): never {
  throw error instanceof RangeError ? badQuery('cursor', 'it is not a cursor of this API') : error;
}

export function badQuery(name: string, reason: string): Problem {
  return new Problem('bad-request', `Cannot read the query parameter "${name}": ${reason}`, {
    details: { parameter: name },
  });
}

function valuesOf(request: Request): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  const start = request.url.indexOf('?');
  for (const [name, value] of new URLSearchParams(start < 0 ? '' : request.url.slice(start))) {
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}
