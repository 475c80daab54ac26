import type * as z from 'zod';
import { type JobDocument, jobDocumentSchema } from './document.ts';
import { fastShapeOf } from './fast-shape.ts';
import { JobDocumentError } from './job-document-error.ts';
import { newJobId } from './job-id.ts';
import { NotAnInteger, parseStrictJson, StrictJsonError } from './strict-json.ts';
import { normaliseTimestamp, timestampOf } from './timestamp.ts';
import { violationOf } from './validate.ts';
import { warningsAbout } from './warnings.ts';

/**
 * How a document arrives. *strict*: as a file or stream entry, complete and without unknown members. *http*: it may be partial
 * (`operation` and `payload` suffice), and unknown members are ignored with a warning.
 */
export type Door = 'strict' | 'http';

export interface ParseOptions {
  readonly newJobId?: () => string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface ParsedJob {
  readonly document: JobDocument;
  /** The document came without an id, and was given one that nobody has. */
  readonly isIdNew: boolean;
  /** What was let pass but is worth telling the client. */
  readonly warnings: readonly string[];
}

type Members = Readonly<Record<string, unknown>>;

const KNOWN_MEMBERS: ReadonlySet<string> = new Set(Object.keys(jobDocumentSchema.shape));
const EPOCH = '1970-01-01T00:00:00Z';

/**
 * Reads a job document and checks it by the rules of the protocol. Members of 64 bits above 2^53 are read as 2^53 - 1.
 * @throws JobDocumentError
 */
export function parseJobDocument(text: string | Uint8Array, door: Door, options: ParseOptions = {}): ParsedJob {
  const members = readMembers(text);
  const unknown = Object.keys(members).filter((key) => !KNOWN_MEMBERS.has(key));
  if (door === 'strict' && unknown[0] !== undefined) {
    throw new JobDocumentError('shape', `Cannot read job document: unknown member "${unknown[0]}"`, {
      field: unknown[0],
    });
  }
  const document = readShape(door === 'http' ? completed(members, options) : members);
  checkRules(document, door);
  const ignored = unknown.map((key) => `Unknown member "${key}" is ignored`);
  return { document, isIdNew: !('job_id' in members), warnings: [...ignored, ...warningsAbout(document)] };
}

function readMembers(text: string | Uint8Array): Members {
  const value = readJson(text);
  if (isObject(value)) return value;
  throw new JobDocumentError('shape', `Cannot read job document: expected an object, got ${kindOf(value)}`);
}

function readJson(text: string | Uint8Array): unknown {
  try {
    return parseStrictJson(text, { freeBelow: ['payload', 'data'] });
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new JobDocumentError('shape', cause.message, { cause });
  }
}

/** Fills in what a client may leave out over HTTP. The epoch is what some clients send for "now". */
function completed(members: Members, options: ParseOptions): Members {
  const { created_at, operation, payload } = members;
  const now = timestampOf((options.now ?? Date.now)());
  const whole: Record<string, unknown> = { version: '1.0', kind: 'VMOperation', created_at: now, ...members };
  if (!('job_id' in members)) whole.job_id = (options.newJobId ?? newJobId)();
  if (typeof created_at === 'string' && normaliseTimestamp(created_at) === EPOCH) whole.created_at = now;
  if (isObject(payload)) whole.payload = typedPayload(operation, payload);
  return whole;
}

function typedPayload(operation: unknown, payload: Members): Members {
  return typeof operation === 'string' ? { type: `${operation}.v1`, ...payload } : payload;
}

const fastShape = fastShapeOf(jobDocumentSchema);

function readShape(members: Members): JobDocument {
  const document = fastShape.parse(members);
  if (document !== undefined) return document;
  const shape = jobDocumentSchema.safeParse(members);
  if (shape.success) return shape.data;
  const [issue] = shape.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw new JobDocumentError('shape', `Cannot read job document: ${field} - ${reasonOf(issue, members)}`, { field });
}

function reasonOf(issue: z.core.$ZodIssue | undefined, members: Members): string {
  const value = issue?.path.reduce<unknown>(
    (at, key) => (isObject(at) || Array.isArray(at) ? Reflect.get(at, key) : undefined),
    members,
  );
  if (value === undefined) return 'is missing';
  if (issue?.code === 'custom') return issue.message;
  if (issue?.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue?.code === 'too_small') return `must be at least ${issue.minimum}`;
  const expected = issue?.code === 'invalid_type' ? issue.expected : 'another type';
  return `expected ${expected === 'number' ? 'integer' : expected}, got ${kindOf(value)}`;
}

function checkRules(document: JobDocument, door: Door): void {
  const violation = violationOf(document);
  if (violation === undefined) return;
  const prefix = door === 'http' ? 'Job validation failed: ' : '';
  throw new JobDocumentError('validation', prefix + violation.message, { field: violation.field });
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NotAnInteger);
}

function kindOf(value: unknown): string {
  if (value instanceof NotAnInteger) return value.literal.slice(0, 40);
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
