import * as z from 'zod';
import { normaliseTimestamp } from './timestamp.ts';

// VM operations job protocol v1: the document a client posts. Shapes only; the closed list of rules is in validate.ts.

const u8 = z.int().min(0).max(255);
const u32 = z.int().min(0).max(0xffff_ffff);
// larger integers than 2^53 arrive here already clamped by the strict JSON reader
const u64 = z.int().min(0);
const text = z.string();
const stringMap = z.record(text, text);

const timestamp = text.transform((value, context) => {
  const normalised = normaliseTimestamp(value);
  if (normalised !== undefined) return normalised;
  context.addIssue({ code: 'custom', message: 'expected a timestamp with a date, a time with seconds, and an offset' });
  return z.NEVER;
});

/** Members that may be left out may be null as well; both read as absent. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => value ?? undefined, schema.optional());

export const metadataSchema = z.object({
  name: optional(text),
  namespace: optional(text),
  labels: optional(stringMap),
  annotations: optional(stringMap),
});

/** Ours, beside the protocol. A member that is 0 lifts the limit that the configuration would set; an absent one does not. */
export const timeoutsSchema = z.object({
  /** From acceptance to the start of the first attempt. */
  wait_seconds: optional(u64),
  /** Without any sign of life from an attempt. */
  heartbeat_seconds: optional(u64),
  /** Without any progress told by an attempt. */
  progress_seconds: optional(u64),
});

/** Ours, beside the protocol; see docs/retries.md. What is absent is as the worker is configured. */
export const retrySchema = z.object({
  policy: optional(text).describe('How the wait grows: fixed, linear or exponential'),
  delay_seconds: optional(u32).describe('The wait after the first failure'),
  max_delay_seconds: optional(u32).describe('No wait is longer'),
  jitter: optional(text).describe('full: anything from nought up to the wait; or none'),
  retry_on: optional(z.array(text)).describe('Classes of errors to try again after'),
});

export const executionSchema = z.object({
  idempotency_key: optional(text),
  attempt: u32.default(1),
  max_attempts: u32.default(1),
  timeout_seconds: u64.default(3600),
  deadline: optional(timestamp),
  priority: u8.default(5),
  cancellable: z.boolean().default(true),
  timeouts: optional(timeoutsSchema),
  retry: optional(retrySchema),
  /** Whether a result of an image that has not changed since may be answered again: only where the worker keeps such. */
  cache: optional(z.enum(['use', 'refresh', 'off'])),
});

export const constraintsSchema = z.object({
  required_capabilities: optional(z.array(text)),
  required_features: optional(z.array(text)),
  minimum_worker_version: optional(text),
  maximum_disk_size_gb: optional(u64),
  require_privileged: optional(z.boolean()),
  allowed_worker_pools: optional(z.array(text)),
});

export const routingSchema = z.object({
  worker_id: optional(text),
  worker_pool: optional(text),
  affinity: optional(stringMap),
  anti_affinity: optional(z.record(text, z.array(text))),
});

export const payloadSchema = z.object({
  type: text,
  // null counts as present
  data: z.unknown().refine((value) => value !== undefined, 'is missing'),
});

export const observabilitySchema = z.object({
  trace_id: optional(text),
  span_id: optional(text),
  parent_span_id: optional(text),
  correlation_id: optional(text),
});

export const auditSchema = z.object({
  submitted_by: optional(text),
  submitted_from: optional(text),
  authorization: optional(z.object({ method: text, subject: text })),
});

/** Members stand in the order in which documents are written. */
export const jobDocumentSchema = z.object({
  $schema: optional(text),
  version: text,
  job_id: text,
  created_at: timestamp,
  kind: text,
  operation: text,
  metadata: optional(metadataSchema),
  // absent or null means the defaults, so that nobody has to ask twice
  execution: z.preprocess((value) => value ?? {}, executionSchema),
  constraints: optional(constraintsSchema),
  routing: optional(routingSchema),
  payload: payloadSchema,
  observability: optional(observabilitySchema),
  audit: optional(auditSchema),
});

/** A job document after parsing: defaults filled in, nulls and unknown members gone, timestamps normalised to UTC. */
export type JobDocument = z.infer<typeof jobDocumentSchema>;
export type Retry = z.infer<typeof retrySchema>;
export type Execution = z.infer<typeof executionSchema>;
export type Constraints = z.infer<typeof constraintsSchema>;
export type Routing = z.infer<typeof routingSchema>;
export type Observability = z.infer<typeof observabilitySchema>;
