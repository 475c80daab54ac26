import type { Duty } from '@guestkit/core/coordination/duty';
import { cancelDuty } from '@guestkit/core/history/cancel-duty';
import type { ApiParts } from './api-parts.ts';

/** What duties work with. */
export type DutyParts = Pick<
  ApiParts,
  'config' | 'history' | 'queue' | 'registry' | 'cancels' | 'fence' | 'logger' | 'metrics' | 'clock'
>;

/** What only the leading node does. */
export function duties(parts: DutyParts): readonly Duty[] {
  return [cancelDuty(parts)];
}
