import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descendantsOf, survivors } from '../../../scripts/demo/processes.ts';
import { until } from '../../../test/support/condition.ts';
import { EXIT_CODES } from './exit-code.ts';

const BIN = path.join(import.meta.dirname, '../bin');
/** A Node of this machine that cannot run the sources. */
const OLD_NODE = findOldNode();

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'launch-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(OLD_NODE === undefined)('a launcher that an older Node runs (skipped where there is none)', () => {
  const oldNode = OLD_NODE ?? '';

  test('runs the command on the Node of the repository, and passes its exit code on', () => {
    const { status, stderr } = spawnSync(oldNode, [path.join(BIN, 'guestctl.js'), 'info', '/absent'], {
      encoding: 'utf8',
    });
    expect(status).toBe(EXIT_CODES['not-found']);
    expect(stderr).toBe('guestctl: Cannot open "/absent": there is no such file\n');
  });

  test('passes a signal on, and dies of what the command died of', async () => {
    const launcher = spawn(oldNode, [path.join(BIN, 'guestkit-worker.js'), 'submit', '-']);
    const pid = launcher.pid ?? 0;
    await until('the command runs', () => descendantsOf(pid).length === 1);
    const family = [pid, ...descendantsOf(pid)];
    launcher.kill('SIGTERM');
    const [, signal] = await once(launcher, 'exit');
    expect(signal).toBe('SIGTERM');
    expect(survivors(family)).toEqual([]);
  });

  test('says what is missing when there is no other Node', () => {
    for (const name of ['guestctl.js', 'launch.js', 'run-again.js', 'young-generation.js'])
      copyFileSync(path.join(BIN, name), path.join(folder, name));
    copyFileSync(path.join(BIN, '../package.json'), path.join(folder, 'package.json'));
    const { status, stderr } = spawnSync(oldNode, [path.join(folder, 'guestctl.js'), '--help'], { encoding: 'utf8' });
    expect(status).toBe(EXIT_CODES.unexpected);
    expect(stderr).toMatch(
      /^guestctl: Cannot start: this is Node \d+\.\d+\.\d+, expected 26 or later; "npm install" .*\n$/,
    );
  });
});

function findOldNode(): string | undefined {
  const { stdout } = spawnSync('which', ['-a', 'node'], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').find((file) => {
    const major = Number(/^v(\d+)/.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]);
    return major < 26;
  });
}
