import { claimsFormat } from '@guestkit/disk/claim';
import * as z from 'zod';

// `payload.data` of guestkit.inspect (protocol section 7). Unknown members are ignored.

const option = (fallback: boolean) => z.boolean().default(fallback);

const optionsSchema = z.object({
  include_packages: option(true),
  include_services: option(true),
  include_users: option(true),
  include_network: option(true),
  include_security: option(true),
  include_storage: option(true),
  deep_scan: option(false),
  include_databases: option(false),
});

const imageSchema = z
  .object({
    path: z.string().min(1),
    format: z.string().min(1),
    allow_format_override: z.boolean().default(false),
    checksum: z.string().nullish(),
    read_only: z.boolean().default(true),
    size_bytes: z.int().min(0).nullish(),
  })
  .refine(({ format, allow_format_override }) => !allow_format_override || claimsFormat(format), {
    path: ['allow_format_override'],
    message: 'needs a format that says what the image is to be read as',
  });

export const inspectPayloadSchema = z.object({
  image: imageSchema,
  // absent options are the defaults, `null` is an error
  options: optionsSchema.prefault({}),
  output: z
    .object({
      format: z.enum(['json', 'yaml']),
      destination: z.string().min(1),
      compression: z.enum(['gzip', 'zstd']).nullish(),
    })
    .nullish(),
});

export type InspectPayload = z.infer<typeof inspectPayloadSchema>;
