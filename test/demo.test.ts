import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descendantsOf, survivors } from '../scripts/demo/processes.ts';
import { until } from './support/condition.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Far above what it takes, for a busy machine. */
const BOUND_MS = 60_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'demo-test-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('npm run demo', { timeout: BOUND_MS }, () => {
  test('makes a disk, inspects it over a cluster of its own, and leaves nothing running', async () => {
    const demo = startDemo([]);
    await until('the cluster runs', () => descendantsOf(demo.pid).length >= 5, { timeoutMs: BOUND_MS });
    const family = descendantsOf(demo.pid);
    const { code, stdout, stderr } = await demo.ended;
    expect({ code, left: survivors(family) }).toEqual({ code: 0, left: [] });
    expect(stderr).toMatch(/^100% {2}complete: /m);
    expect(stdout).toMatch(/^demo: made a sample disk of \d+ MiB from this host's facts/m);
    expect(stdout).toMatch(/^hostname: +\S/m);
    expect(stdout).toMatch(/^demo: done in \d+\.\d s; nothing is left running$/m);
    const [, file = ''] = /its whole result is in (\S+)$/m.exec(stdout) ?? [];
    expect(JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'))).toMatchObject({ status: 'completed' });
  });

  test('says why it failed, stops all, and ends with another code', async () => {
    const image = path.join(folder, 'garbage.qcow2');
    writeFileSync(image, Buffer.alloc(65_536, 'garbage'));
    const { code, stderr } = await startDemo([image]).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('demo: Cannot inspect the image');
  });

  test('refuses an image that is not there before it starts anything', async () => {
    const { code, stdout, stderr } = await startDemo([path.join(folder, 'absent')]).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^demo: Cannot open ".*": there is no such file\n$/);
  });

  test('stops all when it is interrupted', async () => {
    const demo = startDemo([]);
    await until('the cluster runs', () => descendantsOf(demo.pid).length >= 3, { timeoutMs: BOUND_MS });
    const family = descendantsOf(demo.pid);
    process.kill(demo.pid, 'SIGINT');
    const { code, stderr } = await demo.ended;
    expect({ code, left: survivors(family) }).toEqual({ code: 1, left: [] });
    expect(stderr).toContain('demo: Cannot go on: stopped by SIGINT');
  });
});

function startDemo(args: readonly string[]) {
  // no stdin, as under CI
  const child = spawn(process.execPath, ['scripts/demo.ts', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { pid: child.pid ?? 0, ended: ended.then(([stdout, stderr, [code]]) => ({ code, stdout, stderr })) };
}
