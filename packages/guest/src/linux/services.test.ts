import { describe, expect, test } from 'vitest';
import { collect } from '../collected.ts';
import { guestTree } from '../testing/guest.ts';
import type { MemoryFiles } from '../testing/memory-tree.ts';
import { readUnits, servicesOf, startsAtBoot } from './services.ts';

function servicesIn(files: MemoryFiles) {
  const tree = guestTree(files);
  return collect(tree, servicesOf(collect(tree, readUnits)));
}

const SYSTEMD: MemoryFiles = {
  '/usr/lib/systemd/systemd': 'x',
  '/usr/lib/systemd/system/ssh.service': '[Install]\nWantedBy=multi-user.target\n',
  '/usr/lib/systemd/system/a.timer': '[Install]\nWantedBy=timers.target\n',
  '/etc/systemd/system/multi-user.target.wants/ssh.service': { link: '/usr/lib/systemd/system/ssh.service' },
  '/etc/systemd/system/timers.target.wants/a.timer': { link: '/usr/lib/systemd/system/a.timer' },
};

describe('servicesOf', () => {
  test('names the enabled services of systemd, and nothing but services', () => {
    expect(servicesIn(SYSTEMD)).toMatchObject({
      status: 'ok',
      value: { count: 1, init_system: 'systemd', enabled_services: ['ssh.service'] },
    });
  });

  test('adds scripts that have no unit of their own', () => {
    const files = {
      ...SYSTEMD,
      '/etc/rc3.d/S01ssh': { link: '../init.d/ssh' },
      '/etc/rc3.d/S02legacy': { link: '../init.d/legacy' },
      '/etc/rc3.d/K01off': { link: '../init.d/off' },
    };
    expect(servicesIn(files).value?.enabled_services).toEqual(['legacy', 'ssh.service']);
  });

  test('names the services of OpenRC runlevels that are entered at boot', () => {
    const link = { link: '/etc/init.d/x' };
    const files = {
      '/etc/runlevels/boot/networking': link,
      '/etc/runlevels/default/sshd': link,
      '/etc/runlevels/shutdown/killprocs': link,
    };
    expect(servicesIn(files).value).toMatchObject({ init_system: 'openrc', enabled_services: ['networking', 'sshd'] });
  });

  test('names the services of the default runlevel of inittab', () => {
    const link = { link: '../init.d/x' };
    const files = {
      '/etc/inittab': 'id:3:initdefault:\n',
      '/etc/rc.d/rc3.d/S55sshd': link,
      '/etc/rc.d/rc5.d/S60gdm': link,
      '/etc/rc.d/rc3.d/K10cups': link,
    };
    expect(servicesIn(files).value).toMatchObject({ init_system: 'sysv', enabled_services: ['sshd'] });
  });

  test('answers absent when nothing starts services', () => {
    expect(servicesIn({ '/etc/passwd': '' }).status).toBe('absent');
  });
});

test('startsAtBoot finds a service under either kind of name', () => {
  expect(startsAtBoot(servicesIn(SYSTEMD), 'ssh')).toBe(true);
  expect(startsAtBoot(servicesIn({ '/etc/runlevels/default/iptables': { link: 'x' } }), 'iptables')).toBe(true);
  expect(startsAtBoot(servicesIn(SYSTEMD), 'a')).toBe(false);
});
