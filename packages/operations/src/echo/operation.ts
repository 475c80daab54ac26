import * as z from 'zod';
import type { Operation } from '../operation.ts';

/** Operations that give back what they were given: to try the way through the cluster. */
export const echoOperations: readonly Operation[] = ['system.echo', 'test.echo'].map((name) => ({
  name,
  isolation: 'inline',
  payload: z.unknown(),
  images: () => [],
  output: () => undefined,
}));
