import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { type ApiProcess, type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';

const JOBS = 4_000;

interface Operation {
  readonly bulk_id: string;
  readonly state: string;
  readonly matched: number;
  readonly changed: number;
}

describe('a bulk cancel whose node is killed', { timeout: 180_000 }, () => {
  test('goes on at another node, with counts that add up, and cancels every job once', async () => {
    await using cluster = await startCluster({ apiNodes: 2, workers: 0 });
    const [api] = cluster.apis;
    if (api === undefined) expect.fail();
    await postJobs(api);
    const asked = { verb: 'cancel', filter: { operation: 'system.echo' } };
    const { bulk_id } = await api.call<Operation>('POST', '/api/v1/jobs/bulk', asked);
    await until('some jobs are cancelled', async () => (await show(api, bulk_id)).matched > 0);
    const leader = await leaderOf(cluster);
    await leader.kill();
    const other = cluster.apis.find((node) => node !== leader) ?? expect.fail();
    const { matched: matchedBefore } = await show(other, bulk_id);
    expect(matchedBefore).toBeLessThan(JOBS);
    await until('all are', async () => (await show(other, bulk_id)).state === 'completed', { timeoutMs: 120_000 });
    expect(await show(other, bulk_id)).toMatchObject({ matched: JOBS, changed: JOBS, skipped: 0, failed: 0 });
    expect(endsIn(cluster)).toEqual([{ status: 'cancelled', jobs: JOBS, ends: JOBS }]);
    const { entries } = await other.call<{ entries: readonly { verb: string }[] }>('GET', '/api/v1/audit');
    expect(entries.map(({ verb }) => verb)).toEqual(['bulk.cancel.completed', 'bulk.cancel']);
  });
});

async function postJobs(api: ApiProcess): Promise<void> {
  const document = { operation: 'system.echo', payload: { data: 1 } };
  const documents = Array.from({ length: JOBS }, () => document);
  await api.call('POST', '/api/v1/jobs/batch', documents);
}

function show(api: ApiProcess, bulkId: string): Promise<Operation> {
  return api.call<Operation>('GET', `/api/v1/bulk/${bulkId}`);
}

async function leaderOf({ apis }: Cluster): Promise<ApiProcess> {
  for (const api of apis) {
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    if (/^guestkit_leader 1$/m.test(metrics)) return api;
  }
  throw new Error('Cannot find the leader: no node says that it leads');
}

/** How jobs have ended, and how often they were told to have. */
function endsIn({ folder }: Cluster): unknown {
  using database = new DatabaseSync(path.join(folder, 'history.sqlite'), { readOnly: true });
  const ends = database.prepare(`
    select jobs.status, count(distinct jobs.id) as jobs, count(events.job) as ends
    from jobs left join events on events.job = jobs.id and events.type = 'finished' group by jobs.status`);
  return ends.all().map((row) => ({ ...row }));
}
