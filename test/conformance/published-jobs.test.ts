import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

const NOON_MS = Date.UTC(2026, 4, 4, 12);

describe.for(await historyImplementations())('published jobs in $name', { timeout: 60_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  test('are those that ended last, with outputs', async () => {
    await using history = await (await create())();
    expect(await history.publishedLately(1_000)).toEqual([]);
    const end = async (job_id: string, secondsAfterNoon: number, outputs?: { readonly primary: string }) => {
      const document = jobDocument({ job_id });
      await history.accept({ tenant: 'acme', pool: 'default', document, acceptedAtMs: 0 });
      const completed_at = new Date(NOON_MS + secondsAfterNoon * 1_000).toISOString();
      await history.record([attemptEvents({ job_id }).finished({ completed_at, ...(outputs && { outputs }) })]);
    };
    await end('job-earlier-1', 0, { primary: 'earlier.json' });
    await end('job-lately-01', 100, { primary: 'lately.json' });
    await end('job-silent-01', 110);
    await end('job-newest-01', 120, { primary: 'newest.json' });
    const published = await history.publishedLately(60_000);
    expect(published.map(({ tenant, job_id }) => `${tenant} ${job_id}`).sort()).toEqual([
      'acme job-lately-01',
      'acme job-newest-01',
    ]);
  });
});
