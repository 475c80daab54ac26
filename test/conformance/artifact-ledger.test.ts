import type { ArtifactReference } from '@guestkit/core/job/artifact';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { attemptEvents } from '../support/job-events.ts';

describe.for(await historyImplementations())(
  'the artifact ledger in $name',
  { timeout: 60_000 },
  ({ create, absent }) => {
    if (absent) {
      test.skip(absent);
      return;
    }

    const openNew = async () => (await create())();

    test('has what the result of a job refers to', async () => {
      await using history = await openNew();
      await history.accept(job('job-test-0001'));
      const events = attemptEvents();
      const finished = events.finished({ data_artifact: reference('1-a') });
      await history.record([events.assigned(), finished]);
      const { timestamp } = finished;
      expect(await history.artifacts('acme', 'job-test-0001')).toEqual([
        { ...reference('1-a'), attempt: 1, created_at: timestamp },
      ]);
      expect(await history.result('acme', 'job-test-0001')).toMatchObject({ data_artifact: reference('1-a') });
      expect(await history.artifacts('other', 'job-test-0001')).toEqual([]);
    });

    test('enters an artifact once, however often it is told', async () => {
      await using history = await openNew();
      await history.accept(job('job-test-0001'));
      const finished = attemptEvents().finished({ data_artifact: reference('1-a') });
      await history.record([finished]);
      await history.record([finished, finished]);
      expect(await history.artifacts('acme', 'job-test-0001')).toHaveLength(1);
    });

    test('refuses what an overtaken attempt produced', async () => {
      await using history = await openNew();
      await history.accept(job('job-test-0001'));
      await history.record([attemptEvents({ attempt: 2 }).assigned()]);
      await history.record([attemptEvents().finished({ data_artifact: reference('1-a') })]);
      expect(await history.artifacts('acme', 'job-test-0001')).toEqual([]);
      expect(await history.ownedArtifacts([reference('1-a').key])).toEqual(new Set());
    });

    test('tells which objects belong to jobs', async () => {
      await using history = await openNew();
      await history.accept(job('job-test-0001'));
      await history.record([attemptEvents().finished({ data_artifact: reference('1-a') })]);
      const keys = [reference('1-a').key, reference('1-b').key];
      expect(await history.ownedArtifacts(keys)).toEqual(new Set([reference('1-a').key]));
      expect(await history.ownedArtifacts([])).toEqual(new Set());
    });

    test('keeps what belongs to a job in the archive, and forgets it when that is deleted there', async () => {
      await using history = await openNew();
      await history.accept(job('job-test-0001'));
      await history.record([attemptEvents().finished({ data_artifact: reference('1-a') })]);
      const ended = { status: ['completed'], before: '2027-01-01T00:00:00.000Z', limit: 10 } as const;
      expect(await history.archive(ended)).toBe(1);
      expect(await history.artifacts('acme', 'job-test-0001')).toHaveLength(1);
      expect(await history.result('acme', 'job-test-0001')).toMatchObject({ data_artifact: reference('1-a') });
      expect(await history.deleteArchived(ended)).toBe(1);
      expect(await history.artifacts('acme', 'job-test-0001')).toEqual([]);
    });

    test('forgets what belonged to a job when that is purged', async () => {
      await using history = await openNew();
      await history.accept(job('job-test-0001'));
      await history.record([attemptEvents().finished({ data_artifact: reference('1-a') })]);
      await history.purgeJobs('acme', ['job-test-0001']);
      expect(await history.artifacts('acme', 'job-test-0001')).toEqual([]);
      expect(await history.ownedArtifacts([reference('1-a').key])).toEqual(new Set());
    });
  },
);

function job(job_id: string) {
  return { tenant: 'acme', pool: 'default', document: jobDocument({ job_id }), acceptedAtMs: Date.UTC(2026, 4, 4) };
}

function reference(delivery: string): ArtifactReference {
  return {
    name: 'result-data.json',
    key: `artifacts/acme/job-test-0001/${delivery}/result-data.json`,
    size_bytes: 123_456,
    sha256: 'ab'.repeat(32),
    media_type: 'application/json',
    encoding: 'zstd',
  };
}
