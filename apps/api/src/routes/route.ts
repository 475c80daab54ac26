import type { Request, Response } from 'express';
import * as z from 'zod';
import type { ProblemKind } from '../problem.ts';

/** One method of one address. */
export interface Route extends RouteDescription {
  readonly handle: (request: Request, response: Response) => void | Promise<void>;
  /** Taken so often that it does without express: its path has no parameters, and its handler nothing of express' own. */
  readonly busy?: boolean;
}

/** What the API description says of a route. */
export interface RouteDescription {
  readonly method: 'get' | 'post';
  /** In express' form: `/api/v1/jobs/:id`. */
  readonly path: string;
  /** Name of the operation in generated clients. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What the body may be besides JSON, by media type. */
  readonly otherBodies?: Readonly<Record<string, z.ZodType>>;
  readonly mayLackBody?: boolean;
  /** Answers that are no problems, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Problems besides those that any route may have. */
  readonly problems?: readonly ProblemKind[];
  /** Answered without a key, whatever host name the request gives. */
  readonly open?: boolean;
}

export interface Answer {
  readonly meaning: string;
  /** By media type. */
  readonly content: Readonly<Record<string, z.ZodType>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer in the success wrapper of the protocol. */
export function dataAnswer(meaning: string, schema: z.ZodType, headers?: Readonly<Record<string, string>>): Answer {
  return jsonAnswer(meaning, z.object({ success: z.literal(true), data: schema }), headers);
}

export function jsonAnswer(meaning: string, schema: z.ZodType, headers?: Readonly<Record<string, string>>): Answer {
  return { meaning, content: { 'application/json': schema }, ...(headers && { headers }) };
}
