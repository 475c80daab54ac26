import type { Operation } from '../operation.ts';
import { type InspectPayload, inspectPayloadSchema } from './payload.ts';

/** guestkit.inspect: what an image holds, without booting or mounting it. */
export const inspectOperation: Operation<InspectPayload> = {
  name: 'guestkit.inspect',
  isolation: 'jail',
  payload: inspectPayloadSchema,
  images: ({ image }) => [
    {
      path: image.path,
      format: image.format,
      ...(image.allow_format_override && { allowFormatOverride: true }),
      ...(image.checksum != null && { checksum: image.checksum }),
    },
  ],
  decisive: ({ options }) => options,
  output: ({ output }) =>
    output
      ? {
          format: output.format,
          destination: output.destination,
          member: 'inspect',
          ...(output.compression != null && { compression: output.compression }),
        }
      : undefined,
};
