import type { IncomingMessage } from 'node:http';
import type * as z from 'zod';
import { Problem } from '../problem.ts';
import { readJsonText } from './body.ts';

/** Reads a body that is no job document. @throws Problem `bad-request`, which names the member at fault */
export async function readJsonBody<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
  limitBytes: number,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(parse(await readJsonText(request, limitBytes)));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw new Problem('bad-request', `Cannot read the body: ${field && `${field}: `}${issue?.message}`, {
    details: { field },
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem('bad-request', 'Cannot read the body: it is not JSON', { cause });
  }
}
