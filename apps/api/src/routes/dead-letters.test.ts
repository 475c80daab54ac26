import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisEventStream } from '@guestkit/core/coordination/redis/event-stream';
import { type ErrorCode, jobError } from '@guestkit/core/job/error-code';
import { beforeAll, describe, expect, test } from 'vitest';
import { attemptEvents } from '../../../../test/support/job-events.ts';
import { eventually } from '../testing/eventually.ts';
import { setStage } from '../testing/stage.ts';

const { place, client, stack } = await setStage({ argv: ['--payload-limit-bytes', '65536'] });
const events = stack.use(
  new RedisEventStream({
    connection: stack.use(await connectRedis(place.redis.url, { role: 'client' })),
    prefix: 'guestkit',
  }),
);

/** Posts a job, and tells as a worker would that it failed for good. */
async function die(job_id: string, code: ErrorCode, members: object = {}): Promise<void> {
  await client.submit({ job_id, ...members });
  const { assigned, running, finished } = attemptEvents({ tenant: 'default', job_id });
  const error = jobError(code, 'no luck');
  await events.publish([assigned(), running(), finished({ status: 'failed', error })]);
  await eventually(async () => (await client.get(`/api/v1/dead-letters/${job_id}`)).status === 200);
}

const idsOf = (body: { data: { dead_letters: readonly { job_id: string }[] } }) =>
  body.data.dead_letters.map(({ job_id }) => job_id);

describe('GET /api/v1/dead-letters', () => {
  beforeAll(async () => {
    await die('job-list-io-1', 'IMAGE_UNREADABLE', { operation: 'test.list', metadata: { labels: { tier: 'web' } } });
    await die('job-list-corrupt', 'IMAGE_CORRUPT', { operation: 'test.list' });
    await die('job-list-io-2', 'IMAGE_UNREADABLE', { operation: 'test.list' });
  });

  test('lists those that died last first, page by page, and counts them by class', async () => {
    const first = await client.get('/api/v1/dead-letters?operation=test.list&limit=2');
    expect(first.status).toBe(200);
    expect(idsOf(first.body)).toEqual(['job-list-io-2', 'job-list-corrupt']);
    expect(first.body.data).toMatchObject({ total: 3, by_class: { io: 2, corrupt: 1 } });
    const cursor = first.body.data.next_cursor;
    const second = await client.get(`/api/v1/dead-letters?operation=test.list&limit=2&cursor=${cursor}`);
    expect(idsOf(second.body)).toEqual(['job-list-io-1']);
    expect(second.body.data.next_cursor).toBeNull();
  });

  test.each([
    ['class=io', ['job-list-io-2', 'job-list-io-1']],
    ['class=io,corrupt&label=tier=web', ['job-list-io-1']],
    ['error=IMAGE_CORRUPT', ['job-list-corrupt']],
    ['state=requeued', []],
    ['state=open&died_since=2026-05-04T08:00:00Z&class=corrupt', ['job-list-corrupt']],
    ['died_until=2026-05-04T08:00:00Z', []],
  ])('finds what ?%s lets through', async (query, expected) => {
    const { body } = await client.get(`/api/v1/dead-letters?operation=test.list&${query}`);
    expect(idsOf(body)).toEqual(expected);
  });

  test.each([
    ['class=rain', 'class'],
    ['died_since=yesterday', 'died_since'],
    ['cursor=nonsense', 'cursor'],
    ['status=failed', 'status'],
  ])('refuses ?%s and names the parameter', async (query, parameter) => {
    const { status, body } = await client.get(`/api/v1/dead-letters?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ details: { parameter } });
  });
});

describe('GET /api/v1/dead-letters/:id', () => {
  test('shows all attempts, the error, and what can be edited', async () => {
    await die('job-to-show', 'ATTEMPT_CRASHED', { execution: { max_attempts: 1, priority: 8 } });
    const { status, body } = await client.get('/api/v1/dead-letters/job-to-show');
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      ...{ job_id: 'job-to-show', class: 'crash', because: 'attempts', status: 'failed', attempts: 1 },
      ...{ requeued_as: null, error: { code: 'ATTEMPT_CRASHED' }, execution: { priority: 8 } },
      payload: { type: 'system.echo.v1', data: { ping: 1 } },
      history: [{ attempt: 1, worker_id: 'worker-1', outcome: 'failed', error: { code: 'ATTEMPT_CRASHED' } }],
    });
    expect(body.data).not.toHaveProperty('tenant');
  });

  test('is not found for a job that did not die', async () => {
    await client.submit({ job_id: 'job-alive-1' });
    expect((await client.get('/api/v1/dead-letters/job-alive-1')).status).toBe(404);
  });
});

test('the death of a job is an event of its progress', async () => {
  await die('job-of-event', 'IMAGE_CORRUPT');
  const { body } = await client.get('/api/v1/jobs/job-of-event/progress');
  expect(body.data.events.at(-1)).toMatchObject({
    ...{ type: 'finished', status: 'failed', dead_letter: { class: 'corrupt', because: 'class' } },
  });
});

describe('POST /api/v1/dead-letters/:id/requeue', () => {
  test('makes a new job that names the old one, once', async () => {
    await die('job-to-requeue', 'ATTEMPT_CRASHED', { execution: { idempotency_key: 'of-the-first' } });
    const first = await client.post('/api/v1/dead-letters/job-to-requeue/requeue', {});
    expect(first.status).toBe(202);
    const { job_id } = first.body.data;
    expect(first.body.data).toMatchObject({ requeued_from: 'job-to-requeue', message: 'Job requeued' });
    expect(first.headers.get('location')).toBe(`/api/v1/jobs/${job_id}`);
    expect((await client.get(`/api/v1/jobs/${job_id}`)).body.data).toMatchObject({ status: 'pending' });
    expect((await client.get('/api/v1/jobs/job-to-requeue')).body.data).toMatchObject({ status: 'failed' });
    const second = await client.post('/api/v1/dead-letters/job-to-requeue/requeue');
    expect(second.status).toBe(200);
    expect(second.body.data).toMatchObject({ job_id, duplicate: true });
    const { body } = await client.get('/api/v1/dead-letters/job-to-requeue');
    expect(body.data).toMatchObject({ requeued_as: job_id });
  });

  test('takes edits, and refuses others once it is done', async () => {
    await die('job-to-edit', 'TIMEOUT');
    const edited = { payload: { data: { ping: 2 } }, execution: { timeout_seconds: 50, max_attempts: 3 } };
    expect((await client.post('/api/v1/dead-letters/job-to-edit/requeue', edited)).status).toBe(202);
    const other = await client.post('/api/v1/dead-letters/job-to-edit/requeue', { payload: { data: 3 } });
    expect(other.status).toBe(409);
    expect(other.body.message).toMatch(
      /^Cannot requeue job "job-to-edit": it was requeued as job "job-\w+", with other content$/,
    );
  });

  test.each([
    ['members that cannot be edited', { metadata: {} }, 400, /^Cannot read the body: /],
    [
      'an edit that breaks a rule',
      { execution: { priority: 11 } },
      400,
      /execution\.priority - must be 1 to 10, got 11/,
    ],
    ['what is not JSON', '{', 400, /^Cannot read the body: it is not JSON/],
  ])('refuses %s, and leaves the letter open', async (name, body, status, message) => {
    const jobId = `job-bad-${name.replaceAll(' ', '-')}`;
    await die(jobId, 'TIMEOUT');
    const refused = await client.post(`/api/v1/dead-letters/${jobId}/requeue`, body);
    expect(refused).toMatchObject({ status, body: { message: expect.stringMatching(message) } });
    expect((await client.get(`/api/v1/dead-letters/${jobId}`)).body.data.requeued_as).toBeNull();
  });

  test('refuses a job whose deadline has passed, unless it is given another or none', async () => {
    await die('job-too-late', 'TIMEOUT', { execution: { deadline: '2026-05-04T08:00:00Z' } });
    const refused = await client.post('/api/v1/dead-letters/job-too-late/requeue', {});
    expect(refused).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('execution.deadline passed') },
    });
    const freed = await client.post('/api/v1/dead-letters/job-too-late/requeue', { execution: { deadline: null } });
    expect(freed.status).toBe(202);
  });

  test('refuses a payload that would not be accepted from anyone', async () => {
    await die('job-too-large', 'TIMEOUT');
    const large = { payload: { data: 'x'.repeat(2 ** 17) } };
    const refused = await client.post('/api/v1/dead-letters/job-too-large/requeue', large);
    expect(refused).toMatchObject({ status: 413, body: { details: { field: 'payload.data' } } });
  });

  test('is not found without a letter', async () => {
    expect((await client.post('/api/v1/dead-letters/job-nobody/requeue', {})).status).toBe(404);
  });
});

describe('POST /api/v1/dead-letters/:id/purge', () => {
  test('takes the letter away, and leaves the job', async () => {
    await die('job-to-purge', 'IMAGE_CORRUPT');
    expect((await client.post('/api/v1/dead-letters/job-to-purge/purge')).status).toBe(200);
    expect((await client.get('/api/v1/dead-letters/job-to-purge')).status).toBe(404);
    expect((await client.post('/api/v1/dead-letters/job-to-purge/purge')).status).toBe(404);
    expect((await client.get('/api/v1/jobs/job-to-purge')).body.data).toMatchObject({ status: 'failed' });
  });
});

test('metrics count dead letters by class, and tell how many are open', async () => {
  const sample = async (line: string) => {
    const { body } = await client.get('/metrics');
    const found = String(body).match(new RegExp(`^${line}\\{class="denied"\\} (\\d+)$`, 'm'));
    return Number(found?.[1] ?? 0);
  };
  for (const n of [1, 2]) await die(`job-metric-${n}`, 'PATH_DENIED');
  await eventually(async () => (await sample('guestkit_dead_letters_total')) === 2);
  expect(await sample('guestkit_dead_letters_open')).toBe(2);
  await client.post('/api/v1/dead-letters/job-metric-1/requeue');
  await client.post('/api/v1/dead-letters/job-metric-2/purge');
  expect(await sample('guestkit_dead_letters_open')).toBe(0);
  expect(await sample('guestkit_dead_letters_total')).toBe(2);
});
