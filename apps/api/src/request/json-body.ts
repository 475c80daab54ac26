import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { Problem } from '../problem.ts';
import { readJsonText } from './body.ts';

/** Whether a request comes without a body, where one may be left out. */
export function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

/** Reads a body that is no job document. @throws Problem `bad-request`, which names the member at fault */
export async function readJsonBody<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
  limitBytes: number,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(await readJson(request, limitBytes));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw new Problem('bad-request', `Cannot read the body: ${field && `${field}: `}${issue?.message}`, {
    details: { field },
  });
}

/** Reads a body that is no job document, whatever it holds. @throws Problem `bad-request` unless it is JSON */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const text = await readJsonText(request, limitBytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem('bad-request', 'Cannot read the body: it is not JSON', { cause });
  }
}
