import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../apps/cli/src/exit-code.ts';
import { runCommand } from '../../apps/cli/src/testing/run-command.ts';
import { type ApiProcess, type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/condition.ts';

let cluster: Cluster;
let api: ApiProcess;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestkit-bulk-'));
  cluster = await startCluster({ workerSettings: { GUESTKIT_SLOTS: '1' } });
  api = cluster.apis[0] ?? expect.fail();
}, 150_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: readonly string[]) => runCommand('guestkit-worker', [...args, '--url', api.url]);
const json = (text: string) => JSON.parse(text);

/** Documents of jobs that nobody runs, each test with an operation of its own. */
function waiting(operation: string, count: number, members: object = {}): readonly object[] {
  const document = { operation, payload: { data: { text: 'a\nb' } }, routing: { worker_pool: 'idle' }, ...members };
  return Array.from({ length: count }, () => document);
}

function batchFile(name: string, content: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

function submitWaiting(operation: string, count: number): void {
  const file = batchFile(`${operation}.json`, JSON.stringify(waiting(operation, count)));
  expect(run('submit', '--batch', file)).toMatchObject({ code: 0 });
}

async function countOf(query: string): Promise<number> {
  return (await api.call<{ total: number }>('GET', `/api/v1/jobs?${query}&limit=1&count=exact`)).total;
}

describe('guestkit-worker submit --batch', { timeout: 60_000 }, () => {
  test('posts an array, in as many requests as it takes', async () => {
    const file = batchFile('array.json', JSON.stringify(waiting('test.array', 2_300), null, 2));
    expect(run('submit', '--batch', file)).toMatchObject({ code: 0, stdout: '2300 created\n' });
    expect(await countOf('operation=test.array')).toBe(2_300);
  });

  test('posts lines from stdin, and tells which documents are at fault and why', async () => {
    const [good] = waiting('test.lines', 1, { job_id: 'job-of-a-line' });
    const [bad] = waiting('test.lines', 1, { execution: { priority: 11 } });
    const lines = [good, bad, good].map((document) => JSON.stringify(document));
    const args = ['submit', '--batch', '-', '--url', api.url];
    const { code, stdout, stderr } = runCommand('guestkit-worker', args, { input: `\n${lines.join('\n\n')}` });
    expect(code).toBe(EXIT_CODES.refused);
    expect(stdout).toBe('1 created, 1 duplicate, 1 invalid\n');
    expect(stderr).toContain('document 1: invalid: Job validation failed: Invalid field value: execution.priority');
    expect(stderr).toContain('Cannot submit 1 of 3 documents');
  });

  test('prints what failed as data', () => {
    const file = batchFile('failing.ndjson', 'nonsense\n');
    const { stdout } = run('submit', '--batch', file, '--output', 'json');
    expect(json(stdout)).toMatchObject({
      counts: { created: 0, invalid: 1 },
      failures: [{ index: 0, status: 'invalid' }],
    });
  });

  test.each([
    [['--batch', '/absent.json'], EXIT_CODES.io, 'ENOENT'],
    [['--batch', '/absent.json', '--operation', 'a.b'], EXIT_CODES.usage, '"operation" has no place'],
  ])('says why it cannot: %j', (args, exitCode, reason) => {
    const { code, stderr } = run('submit', ...args);
    expect(code).toBe(exitCode);
    expect(stderr).toContain(reason);
  });

  test('refuses an array that does not end', () => {
    const { code, stderr } = run('submit', '--batch', batchFile('cut.json', '[{"operation":'));
    expect(code).toBe(EXIT_CODES.usage);
    expect(stderr).toContain('the array does not end');
  });
});

describe('guestkit-worker cancel', { timeout: 60_000 }, () => {
  test('counts on a dry run, refuses to go on unasked, and does it when told to', async () => {
    submitWaiting('test.cancel', 120);
    const filter = ['cancel', '--operation', 'test.cancel'];
    expect(run(...filter, '--dry-run')).toMatchObject({ code: 0, stdout: '120 jobs match\n' });
    const unasked = run(...filter);
    expect(unasked.code).toBe(EXIT_CODES.usage);
    expect(unasked.stderr).toContain(
      'Cannot cancel 120 jobs: nobody can be asked whether that is meant, expected --yes',
    );
    expect(await countOf('operation=test.cancel&status=pending')).toBe(120);
    const { code, stdout } = run(...filter, '--yes');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bulk-\w+ \(cancel\) completed: 120 changed, 0 skipped, 0 failed\n$/);
    expect(await countOf('operation=test.cancel&status=cancelled')).toBe(120);
    expect(run(...filter, '--yes')).toMatchObject({ code: 0, stdout: 'No jobs match\n' });
  });

  test('takes ids, one that fails not keeping the others from being cancelled', () => {
    const ids = ['job-cancel-by-id-1', 'job-cancel-by-id-2'];
    const documents = ids.flatMap((job_id) => waiting('test.ids', 1, { job_id }));
    run('submit', '--batch', batchFile('ids.json', JSON.stringify(documents)));
    const [first = '', second = ''] = ids;
    const { code, stdout, stderr } = run('cancel', first, 'job-nobody-posted', second, '--yes');
    expect(stdout).toBe(`${first} is cancelled\n${second} is cancelled\n`);
    expect(stderr).toContain('Cannot cancel job "job-nobody-posted"');
    expect(code).toBe(EXIT_CODES['not-found']);
  });

  test.each([
    [[], 'expected ids, a filter, or --all'],
    [['job-of-someone', '--all'], 'expected ids or a filter, not both'],
    [['job-of-someone', '--status', 'pending'], 'expected ids or a filter, not both'],
  ])('refuses %j', (args, reason) => {
    const { code, stderr } = run('cancel', ...args);
    expect(code).toBe(EXIT_CODES.usage);
    expect(stderr).toContain(reason);
  });
});

describe('guestkit-worker retry', { timeout: 60_000 }, () => {
  test('makes new jobs of those that failed, and of each only one', async () => {
    const broken = {
      operation: 'guestkit.inspect',
      payload: { data: { image: { path: '/etc/passwd', format: 'raw' } } },
    };
    const file = batchFile('broken.json', JSON.stringify([broken, { ...broken, job_id: 'job-that-fails' }]));
    run('submit', '--batch', file);
    await until('both have failed', async () => (await countOf('status=failed')) === 2);
    const one = run('retry', 'job-that-fails');
    expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(/^job-that-fails goes on as job-\w+\n$/) });
    await until('it has failed again', async () => (await countOf('status=failed')) === 3);
    // where nobody can be asked it is done, for nothing is lost by it
    const { code, stdout } = run('retry', '--failed');
    expect(code).toBe(0);
    expect(stdout).toContain('2 changed, 1 skipped, 0 failed');
    await until('they have failed again', async () => (await countOf('status=failed')) === 5);
  });
});

describe('guestkit-worker purge and bulk', { timeout: 60_000 }, () => {
  test('delete ended jobs, and show what was done', async () => {
    submitWaiting('test.purge', 5);
    run('cancel', '--operation', 'test.purge', '--yes');
    const { code, stdout } = run('purge', '--operation', 'test.purge', '--yes', '--output', 'json');
    expect(code).toBe(0);
    const { bulk_id, changed } = json(stdout);
    expect(changed).toBe(5);
    expect(await countOf('operation=test.purge')).toBe(0);
    expect(run('bulk', 'show', bulk_id).stdout).toBe(`${bulk_id} (purge) completed: 5 changed, 0 skipped, 0 failed\n`);
    expect(run('bulk', 'list', '--limit', '1').stdout).toContain(bulk_id);
    expect(run('bulk', 'stop', bulk_id).code).toBe(EXIT_CODES.refused);
    expect(run('bulk', 'show', 'bulk-nobody-knows').code).toBe(EXIT_CODES['not-found']);
  });
});
