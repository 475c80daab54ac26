import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/condition.ts';
import { keepRunning } from './keep-running.ts';

let folder: string;
let stop: AbortController;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'keep-running-'));
  stop = new AbortController();
  said = [];
});

afterEach(() => {
  stop.abort();
  rmSync(folder, { recursive: true, force: true });
});

describe('keepRunning', () => {
  test('gives up on a service that ends by itself at its first start', async () => {
    await expect(keep('process.exit(7)')).rejects.toThrow('Cannot start test: it ended with exit code 7');
  });

  test('starts a service again that was killed, and says so', async () => {
    const running = keep(`${NOTE_PID} setInterval(() => {}, 1000);`);
    const first = await pidAfter(0);
    process.kill(first, 'SIGKILL');
    const second = await pidAfter(first);
    expect(second).not.toBe(first);
    expect(said).toEqual([expect.stringMatching(/^test ended with SIGKILL; it starts again in \d+ ms$/)]);
    stop.abort();
    await running;
  });

  test('stops a service by TERM, and waits for it to finish', async () => {
    const service = `${NOTE_PID} process.on('SIGTERM', () => { fs.writeFileSync('finished', ''); process.exit() }); setInterval(() => {}, 1000);`;
    const running = keep(service);
    await pidAfter(0);
    stop.abort();
    await running;
    expect(existsSync(path.join(folder, 'finished'))).toBe(true);
  });

  test('kills a service that does not stop in time', async () => {
    const running = keep(`process.on('SIGTERM', () => {}); ${NOTE_PID} setInterval(() => {}, 1000);`, { graceMs: 100 });
    const pid = await pidAfter(0);
    stop.abort();
    await running;
    expect(isAlive(pid)).toBe(false);
  });

  test('passes arguments and environment on', async () => {
    const service =
      "fs.writeFileSync('seen', [process.argv[2], process.env.COLOUR].join()); setInterval(() => {}, 1000)";
    const running = keep(service);
    await until('the service has written', () => existsSync(path.join(folder, 'seen')));
    await until('all of it', () => readFileSync(path.join(folder, 'seen'), 'utf8') === '--flag=1,blue');
    stop.abort();
    await running;
  });
});

const NOTE_PID = "fs.writeFileSync('pid', String(process.pid));";

function keep(code: string, { graceMs = 5_000 } = {}): Promise<void> {
  const file = path.join(folder, 'service.mjs');
  writeFileSync(file, `import fs from 'node:fs'; process.chdir(${JSON.stringify(folder)}); ${code}`);
  const environment = { ...process.env, COLOUR: 'blue' };
  const running = keepRunning(
    { name: 'test', file, args: ['--flag=1'], environment },
    { signal: stop.signal, graceMs, say: (message) => said.push(message) },
  );
  // a test that fails has nobody who awaits it
  running.catch(() => undefined);
  return running;
}

async function pidAfter(previous: number): Promise<number> {
  const read = () =>
    existsSync(path.join(folder, 'pid')) ? Number(readFileSync(path.join(folder, 'pid'), 'utf8')) : 0;
  await until('the service runs', () => ![0, previous].includes(read()));
  return read();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
