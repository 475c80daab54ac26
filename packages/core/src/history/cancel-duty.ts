import type { CancelIntent } from '../coordination/cancel-intents.ts';
import type { Duty } from '../coordination/duty.ts';
import { type CancelParts, carryOut } from './cancel.ts';
import type { OpenCancel } from './cancellation.ts';

export interface CancelDutyParts extends CancelParts {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const EVERY_MS = 1_000;
/** So long the node that was asked is at it itself. */
const LEFT_TO_NODE_MS = 1_500;
const PAGE = 500;
const AT_ONCE = 50;

/**
 * Looks after the wishes that have not come true: tells the workers again what Redis has lost, ends what nobody has any more, and
 * clears away what was told of jobs that have ended.
 */
export function cancelDuty(parts: CancelDutyParts): Duty {
  return {
    name: 'cancel',
    everyMs: EVERY_MS,
    async run(signal) {
      // asked before history is: whatever was told by then and is not open there has ended
      const told = new Map((await parts.cancels.list()).map((intent) => [keyOf(intent), intent]));
      const open = new Set<string>();
      for await (const cancels of openCancels(parts, signal)) {
        for (const { job } of cancels) open.add(keyOf({ tenant: job.tenant, jobId: job.job_id }));
        await lookAfter(parts, cancels, told);
      }
      if (!signal.aborted)
        await parts.cancels.withdraw([...told].filter(([key]) => !open.has(key)).map(([, intent]) => intent));
    },
  };
}

async function* openCancels({ history }: CancelDutyParts, signal: AbortSignal): AsyncGenerator<readonly OpenCancel[]> {
  let after: number | undefined = 0;
  while (after !== undefined && !signal.aborted) {
    const page = await history.openCancels({ limit: PAGE, after });
    yield page.cancels;
    after = page.next;
  }
}

async function lookAfter(
  parts: CancelDutyParts,
  cancels: readonly OpenCancel[],
  told: ReadonlyMap<string, CancelIntent>,
): Promise<void> {
  const due = cancels.filter(({ requestedAtMs }) => requestedAtMs + LEFT_TO_NODE_MS <= parts.clock());
  for (let from = 0; from < due.length; from += AT_ONCE) {
    await Promise.all(
      due.slice(from, from + AT_ONCE).map(({ job, reason }) => {
        const isTold = told.has(keyOf({ tenant: job.tenant, jobId: job.job_id }));
        return carryOut(parts, job, reason, { isTold });
      }),
    );
  }
}

function keyOf({ tenant, jobId }: Pick<CancelIntent, 'tenant' | 'jobId'>): string {
  return `${tenant} ${jobId}`;
}
