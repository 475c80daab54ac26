import { describe, expect, test } from 'vitest';
import type { Collected } from '../collected.ts';
import { valueFrom } from '../testing/guest.ts';
import type { MemoryFiles } from '../testing/memory-tree.ts';
import { readCloudInit } from './cloud-init.ts';
import { firewallOf } from './firewall.ts';
import { securityOf } from './security.ts';
import type { Services } from './services.ts';
import { readVmTools } from './vm-tools.ts';

function starting(...enabled_services: string[]): Collected<Services> {
  const value = { count: enabled_services.length, init_system: 'systemd', enabled_services } as const;
  return { status: 'ok', value, sources: [], notes: [] };
}

describe('securityOf', () => {
  test.each([
    ['SELINUX=enforcing\nSELINUXTYPE=targeted\n', { status: 'enforcing', enabled: true, policy: 'targeted' }],
    ['SELINUX=Permissive # why\n', { status: 'permissive', enabled: true, policy: null }],
    ['#SELINUX=enforcing\nSELINUX=disabled\n', { status: 'disabled', enabled: false, policy: null }],
  ])('reads %j', (text, selinux) => {
    expect(valueFrom({ '/etc/selinux/config': text }, securityOf(starting())).selinux).toEqual(selinux);
  });

  test('calls a guest without a configuration of SELinux absent, not disabled', () => {
    expect(valueFrom({}, securityOf(starting())).selinux.status).toBe('absent');
  });

  test('takes AppArmor for enabled when its service starts, and counts profiles', () => {
    const files = { '/etc/apparmor.d/usr.bin.man': 'x', '/etc/apparmor.d/abstractions/base': 'x' };
    expect(valueFrom(files, securityOf(starting('apparmor.service'))).apparmor).toEqual({ enabled: true, profiles: 1 });
    expect(valueFrom(files, securityOf(starting())).apparmor.enabled).toBe(false);
  });
});

test.each<[string, MemoryFiles, string[], object]>([
  ['ufw', { '/etc/ufw/ufw.conf': '# x\nENABLED=yes\nLOGLEVEL=low\n' }, [], { ufw: { present: true, enabled: true } }],
  ['ufw that is off', { '/etc/ufw/ufw.conf': 'ENABLED=no\n' }, [], { ufw: { present: true, enabled: false } }],
  ['firewalld', {}, ['firewalld.service'], { firewalld: true, nftables: false }],
  ['nftables', {}, ['nftables'], { nftables: true }],
  ['saved rules of iptables', { '/etc/sysconfig/iptables': '*filter\n' }, [], { iptables: true }],
  ['nothing', {}, [], { ufw: { present: false, enabled: false }, firewalld: false, iptables: false, nftables: false }],
])('firewallOf finds %s', (_, files, services, expected) => {
  expect(valueFrom(files, firewallOf(starting(...services)))).toMatchObject(expected);
});

const CLOUD_INIT = { '/usr/bin/cloud-init': 'x' };
test.each<[string, MemoryFiles, object]>([
  ['is there', CLOUD_INIT, { present: true, enabled: true, disabled_by: null }],
  ['is not there', {}, { present: false, enabled: false }],
  [
    'is disabled by its flag',
    { ...CLOUD_INIT, '/etc/cloud/cloud-init.disabled': '' },
    { enabled: false, disabled_by: '/etc/cloud/cloud-init.disabled' },
  ],
  [
    'is masked',
    { ...CLOUD_INIT, '/etc/systemd/system/cloud-init.service': { link: '/dev/null' } },
    { enabled: false, disabled_by: '/etc/systemd/system/cloud-init.service' },
  ],
  [
    'is told its data sources',
    {
      ...CLOUD_INIT,
      '/etc/cloud/cloud.cfg': 'datasource_list: [ A ]\n',
      '/etc/cloud/cloud.cfg.d/90.cfg': "datasource_list: [ NoCloud, 'None' ]\n",
    },
    { datasources: ['NoCloud', 'None'] },
  ],
])('readCloudInit tells that it %s', (_, files, expected) => {
  expect(valueFrom(files, readCloudInit)).toMatchObject(expected);
});

test('readVmTools names the tools by their programs', () => {
  const files = {
    '/usr/sbin/qemu-ga': 'x',
    '/usr/share/open-vm-tools/x': '',
    '/opt/VBoxGuestAdditions': { link: 'VBoxGuestAdditions-7.0.8' },
    '/opt/VBoxGuestAdditions-7.0.8/x': '',
  };
  expect(valueFrom(files, readVmTools).detected).toEqual(['open-vm-tools', 'virtualbox-guest', 'qemu-guest-agent']);
});
