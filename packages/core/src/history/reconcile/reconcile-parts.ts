import type { CancelIntents } from '../../coordination/cancel-intents.ts';
import type { EventStream } from '../../coordination/event-stream.ts';
import type { Fence } from '../../coordination/fence.ts';
import type { JobQueue } from '../../queue/job-queue.ts';
import type { JobHistory } from '../job-history.ts';
import type { DisagreementKind } from './disagreement.ts';

/** What is compared, and who is told. */
export interface ReconcileParts {
  readonly history: JobHistory;
  readonly queue: JobQueue;
  readonly stream: EventStream;
  readonly fence: Pick<Fence, 'close'>;
  readonly cancels: Pick<CancelIntents, 'tell'>;
  /** Told of every repair, also of those that a rebuild makes. */
  readonly onRepaired?: (kind: DisagreementKind, jobs: number) => void;
  readonly onError: (error: Error) => void;
}
