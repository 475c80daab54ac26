import { describe, expect, test } from 'vitest';
import { eventually } from './testing/eventually.ts';
import { startTestNode } from './testing/node.ts';
import { setStage } from './testing/stage.ts';

const { place, client } = await setStage();

interface Queues {
  readonly queues: readonly { readonly name: string; readonly readOnlyMode: boolean }[];
}

async function queuesOf(node: typeof client): Promise<Queues['queues']> {
  const response = await node.fetch('/board/api/queues');
  return ((await response.json()) as Queues).queues;
}

async function queueOf(node: typeof client, name: string): Promise<Queues['queues'][number]> {
  return eventually(async () => (await queuesOf(node)).find((queue) => queue.name === name));
}

describe('Bull Board', () => {
  test('shows pools that appear after the node has started, with operations as job names', async () => {
    await client.submit({ job_id: 'job-on-the-board', routing: { worker_pool: 'late' } });
    await queueOf(client, 'late');
    const job = await client.fetch('/board/api/queues/late/job-on-the-board');
    expect(await job.json()).toMatchObject({ job: { id: 'job-on-the-board', name: 'system.echo' } });
  });

  test('is a page that loads its parts from this node, under a policy that lets it', async () => {
    const page = await client.fetch('/board');
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.has('x-powered-by')).toBe(false);
    const html = await page.text();
    // data blocks are not run, so a policy without 'unsafe-inline' for scripts is enough
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)(?![^>]*application\/json)/);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("style-src 'self' 'unsafe-inline'");
    const parts = [...html.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map((match) => match[1]);
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect((await client.fetch(`/board/${part}`)).status).toBe(200);
  });

  test('changes nothing unless it is allowed to', async () => {
    await client.submit({ job_id: 'job-to-be-kept', routing: { worker_pool: 'kept' } });
    expect((await queueOf(client, 'kept')).readOnlyMode).toBe(true);
    const attempt = await client.fetch('/board/api/queues/kept/job-to-be-kept/clean', { method: 'PUT' });
    expect(attempt.status).toBe(403);
    expect(await attempt.json()).toMatchObject({ error: 'FORBIDDEN' });
    expect((await client.fetch('/board/api/queues/kept/job-to-be-kept')).status).toBe(200);
  });

  test('changes what it is told to when it is allowed to', async () => {
    await using node = await startTestNode(place, { argv: ['--board-read-only=false'] });
    await node.client.submit({ job_id: 'job-to-be-removed', routing: { worker_pool: 'touched' } });
    expect((await queueOf(node.client, 'touched')).readOnlyMode).toBe(false);
    const removal = await node.client.fetch('/board/api/queues/touched/job-to-be-removed/clean', { method: 'PUT' });
    expect(removal.status).toBeLessThan(300);
    expect((await node.client.fetch('/board/api/queues/touched/job-to-be-removed')).status).toBe(404);
  });
});
