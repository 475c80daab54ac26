import { readAges } from '@guestkit/core/config/ages';
import type { Duty } from '@guestkit/core/coordination/duty';
import { archiveDuty } from '@guestkit/core/history/archive-duty';
import { cancelDuty } from '@guestkit/core/history/cancel-duty';
import { reaperDuty } from '@guestkit/core/history/reaper-duty';
import { classOf } from '@guestkit/core/job/error-code';
import type { JobError } from '@guestkit/core/job/result';
import type { ApiParts } from './api-parts.ts';
import { artifactSweepDuty } from './artifact-sweep.ts';
import { bulkDuty } from './bulk/bulk-duty.ts';

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
  // no recorder sees what is told to history itself
  const onEnded = (error: JobError) => parts.metrics.deadLetters.inc({ class: classOf(error) });
  return [
    ...parts.reconciler.duties,
    artifactSweepDuty(parts),
    cancelDuty(parts),
    reaperDuty({ ...parts, onEnded }),
    bulkDuty(parts),
    archiveDuty({
      ...parts,
      archiveAfter: readAges(parts.config.archiveAfter),
      deleteAfter: readAges(parts.config.deleteArchivedAfter),
      onMoved: (what, jobs) => parts.metrics.jobsPutAway.inc({ what }, jobs),
    }),
  ];
}
