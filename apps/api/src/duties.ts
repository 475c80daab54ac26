import type { Duty } from '@guestkit/core/coordination/duty';
import type { ApiParts } from './api-parts.ts';

/** What duties work with. */
export type DutyParts = Pick<ApiParts, 'config' | 'history' | 'queue' | 'registry' | 'logger' | 'metrics' | 'clock'>;

/** What only the leading node does. */
export function duties(_parts: DutyParts): readonly Duty[] {
  return [];
}
