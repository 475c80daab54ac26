// pg-boss, woken by NOTIFY.
import { PgBoss } from 'pg-boss';
import { answerWithDelays } from './delays.ts';

const delays = answerWithDelays();
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL ?? '', useListenNotify: true });
boss.on('error', () => {});
await boss.start();
await boss.work<{ readonly addedAtMs?: number }>('noop', { pollingIntervalSeconds: 0.5 }, async (jobs) => {
  for (const { data } of jobs) delays.note(data.addedAtMs);
});
process.send?.({});
process.once('SIGTERM', () => process.exit(0));
// the bench is gone
process.once('disconnect', () => process.exit(0));
