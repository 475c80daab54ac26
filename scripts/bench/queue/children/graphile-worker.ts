// graphile-worker with its defaults, but for 50 jobs at once.
import { run } from 'graphile-worker';
import { answerWithDelays } from './delays.ts';

const delays = answerWithDelays();
const noop = async (payload: unknown) => delays.note((payload as { readonly addedAtMs?: number }).addedAtMs);
await run({
  connectionString: process.env.DATABASE_URL ?? '',
  concurrency: 50,
  noHandleSignals: true,
  taskList: { noop },
});
process.send?.({});
process.once('SIGTERM', () => process.exit(0));
// the bench is gone
process.once('disconnect', () => process.exit(0));
