import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeSampleDisk } from '../../../../scripts/sample-disk.ts';
import { runCommand, runForJson } from '../testing/run-command.ts';

let folder: string;
let image: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-inspect-'));
  image = makeSampleDisk(path.join(folder, 'sample.qcow2')).path;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('guestctl inspect', () => {
  test('finds what the host, whose facts are on the disk, says of itself', () => {
    const document = runForJson('guestctl', ['inspect', image]);
    const passwd = readFileSync('/etc/passwd', 'utf8').trimEnd().split('\n');
    expect(document.operating_system).toMatchObject({
      type: 'linux',
      root: '/dev/sda2',
      hostname: readFileSync('/etc/hostname', 'utf8').trim(),
      product_name: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1],
    });
    expect(document.users.accounts.map(({ name }: { name: string }) => name)).toEqual(
      passwd.map((line) => line.split(':')[0]),
    );
  });

  test('finds the packages that dpkg-query finds', ({ skip }) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
    const reference = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package} ${Version}\n'], {
      encoding: 'utf8',
    });
    if (reference.status !== 0) skip('there is no dpkg-query here');
    const expected = reference.stdout.split('\n').filter((line) => line.startsWith('installed '));
    const { packages } = runForJson('guestctl', ['inspect', image]);
    const found = packages.installed.map(
      ({ name, version }: { name: string; version: string }) => `installed ${name} ${version}`,
    );
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(packages.count).toBe(expected.length);
  });

  test('leaves out what is not asked for', () => {
    const document = runForJson('guestctl', ['inspect', image, '--no-packages', '--no-users']);
    expect(document).not.toHaveProperty('packages');
    expect(document).not.toHaveProperty('users');
    expect(document).toHaveProperty('services');
  });

  test('prints the same document as YAML', () => {
    const { stdout } = runCommand('guestctl', ['inspect', image, '--output', 'yaml']);
    expect(parse(stdout)).toEqual(runForJson('guestctl', ['inspect', image]));
  });

  test('prints a report for people, without colour', () => {
    const { stdout, code } = runCommand('guestctl', ['inspect', image]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hostname: +\S/m);
    expect(stdout).toMatch(/^mounts: +\/ \(\/dev\/sda2, ext4\)/m);
    expect(stdout).toMatch(/^users: +\d+, of them with a login shell: .*root \(0\)/m);
    expect(stdout).not.toContain('\u001b');
  });
});
