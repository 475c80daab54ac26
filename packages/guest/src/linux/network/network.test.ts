import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { corpusFile, readFolder, untar } from '../../testing/corpus.ts';
import { collectFrom, valueFrom } from '../../testing/guest.ts';
import { parseIfcfg } from './ifcfg.ts';
import { parseInterfaces } from './ifupdown.ts';
import { prefixOf } from './interface.ts';
import { readNetwork } from './network.ts';
import { parseNetworkFile } from './networkd.ts';
import { parseKeyfile } from './networkmanager.ts';

test('parseInterfaces reads the stanzas of interfaces(5)', () => {
  const text = `auto lo eth0
iface lo inet loopback
iface eth0 inet static
  address 192.0.2.5
  netmask 255.255.255.0
  gateway 192.0.2.1
  dns-nameservers 192.0.2.53 192.0.2.54
  wpa-psk verysecret
allow-hotplug wlan0
iface wlan0 inet dhcp
`;
  expect(parseInterfaces(text, '/i')).toEqual([
    {
      name: 'eth0',
      configured_by: 'ifupdown',
      path: '/i',
      method: 'static',
      addresses: ['192.0.2.5/24'],
      gateway: '192.0.2.1',
      dns_servers: ['192.0.2.53', '192.0.2.54'],
      mac: null,
    },
    expect.objectContaining({ name: 'wlan0', method: 'dhcp', addresses: [] }),
  ]);
});

test('parseIfcfg reads numbered addresses', () => {
  const text =
    'DEVICE=eth0\nBOOTPROTO=none\nIPADDR0=192.0.2.5\nPREFIX0=24\nIPADDR1=192.0.2.6\nNETMASK1=255.255.0.0\nGATEWAY=192.0.2.1\nDNS1=192.0.2.53\nHWADDR=52:54:00:00:00:01\n';
  expect(parseIfcfg(text, '/etc/sysconfig/network-scripts/ifcfg-x')).toMatchObject({
    name: 'eth0',
    method: 'static',
    addresses: ['192.0.2.5/24', '192.0.2.6/16'],
    gateway: '192.0.2.1',
    dns_servers: ['192.0.2.53'],
    mac: '52:54:00:00:00:01',
  });
});

test('parseKeyfile reads a connection of NetworkManager', () => {
  const text =
    '[connection]\nid=Office\ninterface-name=ens3\n[wifi-security]\npsk=verysecret\n[ipv4]\nmethod=manual\naddress1=192.0.2.5/24,192.0.2.1\ndns=192.0.2.53;\n[ipv6]\nmethod=auto\n';
  expect(parseKeyfile(text, '/k')).toMatchObject({
    name: 'ens3',
    method: 'static',
    addresses: ['192.0.2.5/24'],
    gateway: '192.0.2.1',
    dns_servers: ['192.0.2.53'],
  });
});

test('parseNetworkFile reads a file of systemd-networkd', () => {
  const text =
    '[Match]\nName=en*\n[Network]\nDHCP=no\nAddress=192.0.2.5/24\nGateway=192.0.2.1\nDNS=192.0.2.53\nDNS=192.0.2.54\n';
  expect(parseNetworkFile(text, '/n')).toMatchObject({
    name: 'en*',
    method: 'static',
    addresses: ['192.0.2.5/24'],
    gateway: '192.0.2.1',
    dns_servers: ['192.0.2.53', '192.0.2.54'],
  });
});

test.each([
  ['255.255.255.0', 24],
  ['255.255.255.255', 32],
  ['0.0.0.0', 0],
  ['24', 24],
  ['255.0.255.0', undefined],
  ['x', undefined],
])('prefixOf(%j) is %s', (netmask, prefix) => {
  expect(prefixOf(netmask)).toBe(prefix);
});

describe('readNetwork', () => {
  test('joins interfaces, name servers and gateway', () => {
    const files = {
      '/etc/network/interfaces':
        'source /etc/network/interfaces.d/*\nsource-directory interfaces.d\nsource /etc/network/interfaces\n',
      '/etc/network/interfaces.d/eth0': 'iface eth0 inet dhcp\n',
      '/etc/sysconfig/network': 'GATEWAY=192.0.2.1\n',
      '/etc/resolv.conf': '# x\nnameserver 192.0.2.53\nsearch example.org example.net\n',
    };
    expect(valueFrom(files, readNetwork)).toMatchObject({
      interfaces: [{ name: 'eth0', method: 'dhcp', path: '/etc/network/interfaces.d/eth0' }],
      dns_servers: ['192.0.2.53'],
      search_domains: ['example.org', 'example.net'],
      gateway: '192.0.2.1',
    });
  });

  test('says that netplan is not supported, and gives the rest', () => {
    const collected = collectFrom(
      { '/etc/netplan/50-cloud-init.yaml': 'network: {}\n', '/etc/resolv.conf': 'nameserver 192.0.2.53\n' },
      readNetwork,
    );
    expect(collected).toMatchObject({
      status: 'unsupported',
      reason: expect.stringContaining('/etc/netplan/50-cloud-init.yaml'),
      value: { dns_servers: ['192.0.2.53'] },
    });
  });

  test('answers absent rather than with an empty list when nothing is configured', () => {
    expect(collectFrom({ '/etc/hosts': '' }, readNetwork).status).toBe('absent');
  });

  const augeas = corpusFile('os-images/augeas/augeas-root.tar.gz');
  test.skipIf(!augeas)('reads the real files of the augeas tree', () => {
    const root = untar(augeas ?? '');
    try {
      const { interfaces } = valueFrom(readFolder(root), readNetwork);
      expect(interfaces.map(({ name, configured_by }) => `${configured_by} ${name}`)).toEqual(
        expect.arrayContaining(['ifcfg br0', 'ifcfg eth0', 'ifcfg wlan0', 'ifupdown eth0']),
      );
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
