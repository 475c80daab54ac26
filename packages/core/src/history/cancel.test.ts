import { expect, test } from 'vitest';
import { jobDocument } from '../../../../test/support/job.ts';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { queuedJobOf } from './cancel.ts';
import { openSqliteHistory } from './sqlite/open.ts';

test('queuedJobOf tells a queue that lost a job how many attempts failed, and how many lost their worker', async () => {
  await using history = await openSqliteHistory({ file: ':memory:' });
  const job = { tenant: 'acme', pool: 'default', document: jobDocument(), acceptedAtMs: Date.UTC(2026, 4, 4, 8) };
  const { job: accepted } = await history.accept(job);
  expect(await queuedJobOf({ history }, accepted)).toEqual(job);
  for (const [index, reason] of (['retry', 'lost', 'retry'] as const).entries()) {
    const attempt = attemptEvents({ attempt: index + 1 });
    await history.record([attempt.running(), attempt.released(reason)]);
  }
  const record = await history.find('acme', 'job-test-0001');
  expect(await queuedJobOf({ history }, record ?? accepted)).toEqual({
    ...{ ...job, attemptsBefore: 3, failedBefore: 2, lostBefore: 1 },
  });
});
