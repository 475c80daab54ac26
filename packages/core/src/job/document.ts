import * as z from 'zod';

// VM operations job protocol v1: the document a client posts. Shapes only; the closed list of rules is in validate.ts.

const u8 = z.int().min(0).max(255);
const u32 = z.int().min(0).max(0xffff_ffff);
// larger integers than 2^53 arrive here already clamped by the strict JSON reader
const u64 = z.int().min(0);
const text = z.string();
const stringMap = z.record(text, text);

export const metadataSchema = z.object({
  name: text.nullish(),
  namespace: text.nullish(),
  labels: stringMap.nullish(),
  annotations: stringMap.nullish(),
});

export const executionSchema = z.object({
  idempotency_key: text.nullish(),
  attempt: u32.default(1),
  max_attempts: u32.default(1),
  timeout_seconds: u64.default(3600),
  deadline: text.nullish(),
  priority: u8.default(5),
  cancellable: z.boolean().default(true),
});

export const constraintsSchema = z.object({
  required_capabilities: z.array(text).nullish(),
  required_features: z.array(text).nullish(),
  minimum_worker_version: text.nullish(),
  maximum_disk_size_gb: u64.nullish(),
  require_privileged: z.boolean().nullish(),
  allowed_worker_pools: z.array(text).nullish(),
});

export const routingSchema = z.object({
  worker_id: text.nullish(),
  worker_pool: text.nullish(),
  affinity: stringMap.nullish(),
  anti_affinity: z.record(text, z.array(text)).nullish(),
});

export const payloadSchema = z.object({ type: text, data: z.unknown() });

export const observabilitySchema = z.object({
  trace_id: text.nullish(),
  span_id: text.nullish(),
  parent_span_id: text.nullish(),
  correlation_id: text.nullish(),
});

export const auditSchema = z.object({
  submitted_by: text.nullish(),
  submitted_from: text.nullish(),
  authorization: z.object({ method: text, subject: text }).nullish(),
});

export const jobDocumentSchema = z.object({
  $schema: text.nullish(),
  version: text,
  job_id: text,
  created_at: text,
  kind: text,
  operation: text,
  metadata: metadataSchema.nullish(),
  execution: executionSchema.nullish(),
  constraints: constraintsSchema.nullish(),
  routing: routingSchema.nullish(),
  payload: payloadSchema,
  observability: observabilitySchema.nullish(),
  audit: auditSchema.nullish(),
});

/** A job document after parsing: defaults filled in, timestamps normalised to UTC, unknown members gone. */
export type JobDocument = z.infer<typeof jobDocumentSchema>;
export type Execution = z.infer<typeof executionSchema>;
export type Constraints = z.infer<typeof constraintsSchema>;
export type Routing = z.infer<typeof routingSchema>;
export type Observability = z.infer<typeof observabilitySchema>;
