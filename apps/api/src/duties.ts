import type { Duty } from '@guestkit/core/coordination/duty';
import { cancelDuty } from '@guestkit/core/history/cancel-duty';
import { reaperDuty } from '@guestkit/core/history/reaper-duty';
import type { ApiParts } from './api-parts.ts';
import { artifactSweepDuty } from './artifact-sweep.ts';

/** What duties work with. */
export type DutyParts = Pick<
  ApiParts,
  | 'config'
  | 'history'
  | 'queue'
  | 'registry'
  | 'reconciler'
  | 'artifacts'
  | 'cancels'
  | 'fence'
  | 'logger'
  | 'metrics'
  | 'clock'
>;

/** What only the leading node does. */
export function duties(parts: DutyParts): readonly Duty[] {
  return [...parts.reconciler.duties, artifactSweepDuty(parts), cancelDuty(parts), reaperDuty(parts)];
}
