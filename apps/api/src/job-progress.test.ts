import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JobHistory } from '@guestkit/core/history/job-history';
import { openSqliteHistory } from '@guestkit/core/history/sqlite/open';
import { type JobEvent, sequenceOf } from '@guestkit/core/job/event';
import { parseJobDocument } from '@guestkit/core/job/parse';
import { describe, expect, test } from 'vitest';
import { JobNews } from './job-news.ts';
import { followJob, readProgress } from './job-progress.ts';

const JOB = { tenant: 'default', job_id: 'job-followed' };
const TOLD_AT_MS = Date.parse('2026-05-04T08:00:00Z');

/** A history that knows the job and nothing of what happened to it. */
async function openHistory(): Promise<{ readonly history: JobHistory } & AsyncDisposable> {
  const folder = await mkdtempDisposable(path.join(tmpdir(), 'gk-progress-'));
  const history = await openSqliteHistory({ file: path.join(folder.path, 'history.sqlite') });
  const text = JSON.stringify({ job_id: JOB.job_id, operation: 'system.echo', payload: { data: 1 } });
  const { document } = parseJobDocument(text, 'http');
  await history.accept({ tenant: JOB.tenant, pool: 'default', document, acceptedAtMs: TOLD_AT_MS });
  return {
    history,
    async [Symbol.asyncDispose]() {
      await history[Symbol.asyncDispose]();
      await folder.remove();
    },
  };
}

function progress(n: number, attempt = 1): JobEvent {
  const timestamp = new Date(TOLD_AT_MS).toISOString();
  const common = { ...JOB, attempt, sequence: sequenceOf(attempt, n), timestamp, worker_id: 'worker-1' };
  return { ...common, type: 'progress', phase: 'validation', message: `step ${n}` };
}

async function read(history: JobHistory, { after = -1, ageMs = 0 } = {}): Promise<readonly number[]> {
  const clock = () => TOLD_AT_MS + ageMs;
  const { events } = await readProgress({ history, clock }, JOB, { after, limit: 100 });
  return events.map(({ sequence }) => sequence);
}

describe('readProgress', () => {
  test('holds back what was recorded before its predecessor', async () => {
    await using opened = await openHistory();
    const { history } = opened;
    await history.record([progress(0), progress(2)]);
    expect(await read(history)).toEqual([0]);
    await history.record([progress(1)]);
    expect(await read(history, { after: 0 })).toEqual([1, 2]);
  });

  test('holds back nothing for longer than an event can be under way', async () => {
    await using opened = await openHistory();
    await opened.history.record([progress(0), progress(2)]);
    expect(await read(opened.history, { ageMs: 2000 })).toEqual([0, 2]);
  });

  test('takes the first event of the next attempt for the next one', async () => {
    await using opened = await openHistory();
    await opened.history.record([progress(0), progress(0, 2), progress(1, 2)]);
    expect(await read(opened.history)).toEqual([0, sequenceOf(2, 0), sequenceOf(2, 1)]);
  });
});

describe('followJob', () => {
  test('yields a late event in its place', async () => {
    await using opened = await openHistory();
    const { history } = opened;
    const news = new JobNews();
    const clock = () => TOLD_AT_MS;
    const gone = new AbortController();
    const following = followJob({ history, news, clock }, JOB, { after: -1, signal: gone.signal });
    await history.record([progress(0), progress(2)]);
    const first = await following.next();
    const second = following.next();
    await history.record([progress(1)]);
    news.ring([JOB.job_id]);
    expect([first.value, (await second).value]).toEqual([[progress(0)], [progress(1), progress(2)]]);
    gone.abort();
    expect(await following.next()).toEqual({ done: true, value: undefined });
  });
});
