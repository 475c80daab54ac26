import * as z from 'zod';
import { operations as realOperations } from '../../../packages/operations/src/catalogue.ts';
import type { Operation, OutputRequest } from '../../../packages/operations/src/operation.ts';

// Takes the place of the real catalogue in the workers of a chaos run, see preload.ts.

const payload = z.looseObject({
  output: z.object({ format: z.enum(['json', 'yaml']), destination: z.string() }).optional(),
});

const MISBEHAVING = ['chaos.stamp', 'chaos.crash', 'chaos.spin', 'chaos.deaf'].map(
  (name): Operation<z.infer<typeof payload>> => ({
    name,
    isolation: 'jail',
    payload,
    images: () => [],
    output: ({ output }): OutputRequest | undefined => output,
  }),
);

export const operations: ReadonlyMap<string, Operation> = new Map([
  ...realOperations,
  ...MISBEHAVING.map((operation) => [operation.name, operation as Operation] as const),
]);

export function findOperation(name: string): Operation | undefined {
  return operations.get(name);
}
