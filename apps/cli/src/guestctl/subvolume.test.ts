import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../test/support/loop-mount.ts';
import { runCommand, runForJson } from '../testing/run-command.ts';

describe.skipIf(spawnSync('mkfs.btrfs', ['--version']).status !== 0)('guestctl on a btrfs filesystem', () => {
  let folder: string;
  let image: string;
  let canMount: boolean;

  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-subvolume-'));
    image = path.join(folder, 'disk.raw');
    writeFileSync(image, '');
    truncateSync(image, 128 * 2 ** 20);
    execFileSync('mkfs.btrfs', ['-q', '-L', 'data', image], { stdio: 'pipe' });
    canMount = withMounted(image, 'rw', fill) ?? false;
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function fill(target: string): boolean {
    for (const name of ['@', '@home']) {
      execFileSync('btrfs', ['subvolume', 'create', path.join(target, name)], { stdio: 'pipe' });
      writeFileSync(path.join(target, name, 'where'), `in ${name}`);
    }
    execFileSync('btrfs', ['subvolume', 'set-default', path.join(target, '@')], { stdio: 'pipe' });
    return true;
  }

  test('lists subvolumes as libguestfs does, without the default one', (context) => {
    if (!canMount) return context.skip('no images can be mounted here');
    const { filesystems } = runForJson('guestctl', ['filesystems', image, '--format', 'raw']);
    expect(filesystems).toMatchObject([
      { device: '/dev/sda', type: 'btrfs', label: 'data' },
      { device: 'btrfsvol:/dev/sda/@home', type: 'btrfs', label: 'data' },
    ]);
  });

  test('reads the files of a guest that lives in subvolumes as the guest mounts them', (context) => {
    const guest = path.join(folder, 'guest.raw');
    execFileSync('cp', ['--sparse=always', image, guest]);
    if (withMounted(guest, 'rw,subvolid=5', fillGuest) === undefined)
      return context.skip('no images can be mounted here');
    expect(runCommand('guestctl', ['cat', guest, '/home/where']).stdout).toBe('in @home');
    expect(runForJson('guestctl', ['inspect', guest]).operating_system).toMatchObject({
      id: 'debian',
      root: 'btrfsvol:/dev/sda/@guest',
    });
  });

  function fillGuest(target: string): boolean {
    const root = path.join(target, '@guest');
    execFileSync('btrfs', ['subvolume', 'create', root], { stdio: 'pipe' });
    execFileSync('mkdir', ['-p', path.join(root, 'etc'), path.join(root, 'usr/bin'), path.join(root, 'home')]);
    writeFileSync(path.join(root, 'etc/os-release'), 'ID=debian\n');
    const line = (at: string, subvolume: string) => `LABEL=data ${at} btrfs subvol=${subvolume} 0 0\n`;
    writeFileSync(path.join(root, 'etc/fstab'), line('/', '@guest') + line('/home', '@home'));
    return true;
  }

  test('reads the default subvolume, or the one that is named', (context) => {
    if (!canMount) return context.skip('no images can be mounted here');
    const where = (device: string) => runCommand('guestctl', ['cat', image, '/where', '--device', device]).stdout;
    expect(where('/dev/sda')).toBe('in @');
    expect(where('btrfsvol:/dev/sda/@home')).toBe('in @home');
    expect(runForJson('guestctl', ['ls', image, '--device', 'btrfsvol:/dev/sda/'])).toHaveLength(2);
  });

  test('says that there is no such subvolume', () => {
    const { code, stderr } = runCommand('guestctl', ['ls', image, '--device', 'btrfsvol:/dev/sda/nothing']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('Cannot find "btrfsvol:/dev/sda/nothing" in the image: there is no such subvolume');
  });
});
