import { DISAGREEMENTS, type Disagreement, type DisagreementKind } from '@guestkit/core/history/reconcile/disagreement';
import type { Check } from './doctor.ts';

const BOUNDS = { limit: 1_000, withinMs: 10_000 };
const SHOWN = 5;

export const checkAgreement: Check = async ({ reconciler }) => {
  const { disagreements, isComplete } = await reconciler.examine(BOUNDS);
  const extent = isComplete ? '' : ' (not all jobs were looked at)';
  if (disagreements.length === 0) return { status: 'ok', message: `agree about all jobs${extent}` };
  return { status: 'fault', message: `${summaryOf(disagreements)}${extent}` };
};

/** `2 ended in the queue, but history was not told: job-1, job-2` */
export function summaryOf(disagreements: readonly Disagreement[]): string {
  const kinds = [...Map.groupBy(disagreements, ({ kind }) => kind)];
  return kinds.map(([kind, group]) => describe(kind, group)).join('; ');
}

function describe(kind: DisagreementKind, group: readonly Disagreement[]): string {
  const ids = group.slice(0, SHOWN).map(({ job_id }) => job_id);
  const more = group.length > SHOWN ? ' …' : '';
  return `${group.length} ${DISAGREEMENTS[kind]}: ${ids.join(', ')}${more}`;
}
