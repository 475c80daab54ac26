import type { Runner } from '@guestkit/operations/operation';
import { runners as realRunners } from '@guestkit/operations/runners';
import { runners as misbehavingRunners } from '../../apps/worker/src/testing/misbehaving-runners.ts';

// Operations that misbehave, for the tests of workers; and the real ones. Never part of a real worker.

export const runners: ReadonlyMap<string, Runner> = new Map([...realRunners, ...misbehavingRunners]);
