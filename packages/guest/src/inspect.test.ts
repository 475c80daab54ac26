import { DiskError } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { DEFAULT_INSPECT_OPTIONS, type InspectOptions } from './document.ts';
import { inspectDisk } from './inspect.ts';
import { memoryDisk } from './testing/memory-disk.ts';
import type { MemoryFiles } from './testing/memory-tree.ts';

const GUEST: MemoryFiles = {
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  '/etc/debian_version': '12.5\n',
  '/etc/hostname': 'web\n',
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n',
  '/etc/fstab': 'UUID=r / ext4 defaults 0 1\n',
  '/bin/sh': '#!\n',
  '/var/lib/dpkg/status': 'Package: bash\nStatus: install ok installed\nVersion: 5.2\n',
};

function inspect(files: MemoryFiles, options: Partial<InspectOptions> = {}) {
  return inspectDisk(memoryDisk([{ files, uuid: 'r' }]), { ...DEFAULT_INSPECT_OPTIONS, ...options });
}

describe('inspectDisk', () => {
  test('has the members that clients of the inspect document read', () => {
    expect(inspect(GUEST)).toMatchObject({
      version: '1.0',
      image: { format: 'raw', virtual_size: 512, partition_table: 'gpt' },
      operating_system: {
        type: 'linux',
        distribution: 'debian',
        product_name: 'Debian GNU/Linux 12 (bookworm)',
        version: '12.5',
        major_version: 12,
        minor_version: 5,
        hostname: 'web',
        arch: null,
        package_format: 'deb',
        root: '/dev/sda1',
      },
      mountpoints: [{ mountpoint: '/', device: '/dev/sda1', fstype: 'ext4' }],
      packages: { count: 1, manager: 'dpkg', packages: ['bash'], installed: [{ name: 'bash', version: '5.2' }] },
      services: { status: 'absent' },
      network: { hostname: 'web' },
      security: { selinux: { status: 'absent', enabled: false }, apparmor: { enabled: false } },
      storage: {
        count: 1,
        partitions: [{ device: '/dev/sda1', fstype: 'ext4', uuid: 'r' }],
        fstab: [{ spec: 'UUID=r', device: '/dev/sda1' }],
      },
      users: {
        count: 1,
        login_count: 1,
        accounts: [{ name: 'root', uid: 0, home: '/root', shell: '/bin/bash', login: true, system: true }],
      },
      kernels: { status: 'absent' },
      kernel_modules: { count: 0, modules: [] },
      systemd_units: { status: 'absent' },
      machine_id: null,
      cloud_init: { present: false, enabled: false },
      vm_tools: { detected: [] },
      firewall: { ufw: { enabled: false }, firewalld: false, iptables: false },
      ssh: { status: 'absent' },
      warnings: [],
    });
  });

  test.each([
    ['include_packages', 'packages'],
    ['include_services', 'services'],
    ['include_users', 'users'],
    ['include_network', 'network'],
    ['include_security', 'security'],
    ['include_storage', 'storage'],
  ] as const)('leaves out what %s does not ask for', (option, section) => {
    expect(inspect(GUEST, { [option]: true })).toHaveProperty(section);
    expect(inspect(GUEST, { [option]: false })).not.toHaveProperty(section);
  });

  test('says that an option has no effect yet', () => {
    expect(inspect(GUEST, { deep_scan: true }).warnings).toEqual(["The option 'deep_scan' has no effect yet"]);
  });

  test('answers for a disk without a guest', () => {
    const document = inspect({ '/data/x': '' });
    expect(document).toMatchObject({
      operating_system: null,
      operating_systems: [],
      mountpoints: [],
      storage: { count: 1 },
      collectors: {},
    });
    expect(document).not.toHaveProperty('packages');
  });

  test('calls a guest that names itself nowhere unknown, and says so', () => {
    const document = inspect({ '/bin/busybox': 'x', '/etc/passwd': 'root:x:0:0::/:/bin/sh\n' });
    expect(document.operating_system).toMatchObject({
      type: 'linux',
      distribution: 'unknown',
      version: null,
      package_format: null,
    });
    expect(document.collectors.operating_system).toMatchObject({ status: 'absent' });
  });

  test('lists every guest, the main one first', () => {
    const document = inspectDisk(
      memoryDisk([{ files: { '/etc/os-release': 'ID=arch\n', '/bin/sh': 'x' } }, { files: GUEST }]),
      DEFAULT_INSPECT_OPTIONS,
    );
    expect(document.operating_systems.map(({ root, distribution }) => [root, distribution])).toEqual([
      ['/dev/sda2', 'debian'],
      ['/dev/sda1', 'archlinux'],
    ]);
    expect(document.operating_system).toEqual(document.operating_systems[0]);
  });

  test('loses one section to a damaged file, and no other', () => {
    const document = inspect({
      ...GUEST,
      '/var/lib/dpkg/status': { error: new DiskError('corrupt', 'Cannot read extent') },
    });
    expect(document.packages).toEqual({ status: 'corrupt', reason: 'Cannot read extent' });
    expect(document.collectors.packages).toEqual({
      status: 'corrupt',
      reason: 'Cannot read extent',
      sources: ['/var/lib/dpkg/status'],
    });
    expect(document.users).toMatchObject({ status: 'ok', count: 1 });
  });

  test('names the source of each fact', () => {
    const { collectors } = inspect(GUEST);
    expect(collectors).toMatchObject({
      operating_system: { status: 'ok', sources: ['/etc/debian_version', '/etc/os-release'] },
      hostname: { status: 'ok', sources: ['/etc/hostname'] },
      packages: { status: 'ok', sources: ['/var/lib/dpkg/status'] },
      architecture: { status: 'absent', reason: expect.any(String) },
    });
  });

  test('tells once that a volume can neither be opened nor mounted', () => {
    const disk = memoryDisk([
      { files: { ...GUEST, '/etc/fstab': '/dev/sda2 /boot/efi vfat\n' } },
      { type: 'vfat', error: 'Cannot open: vfat' },
    ]);
    expect(inspectDisk(disk, DEFAULT_INSPECT_OPTIONS).warnings).toEqual([
      "Cannot mount '/boot/efi': Cannot open: vfat",
    ]);
  });

  test('gives away no secret of the guest', () => {
    const secret = 'TopSecretMarker';
    const files = {
      ...GUEST,
      '/etc/passwd': `root:x:0:0:root:/root:/bin/bash\nold:$1$${secret}$${secret}:1:1::/:/bin/sh\n`,
      '/etc/shadow': `root:$6$${secret}$${secret}:19000:0:99999:7:::\n`,
      '/etc/gshadow': `root:$6$${secret}::\n`,
      '/etc/group': `root:${secret}:0:\n`,
      '/etc/fstab': `//srv/x /mnt cifs username=u,password=${secret},passwd2=${secret}\n//u:${secret}@srv/y /mnt2 cifs rw\nhttps://u:${secret}@srv/z /mnt3 odd rw\n`,
      '/etc/ssh/ssh_host_rsa_key': secret,
      '/root/.ssh/id_rsa': secret,
      '/etc/NetworkManager/system-connections/w.nmconnection': `[connection]\nid=w\n[wifi-security]\npsk=${secret}\n[vpn-secrets]\npassword=${secret}\n`,
      '/etc/sysconfig/network-scripts/ifcfg-w': `DEVICE=w\nKEY=${secret}\nWPA_PSK=${secret}\n`,
      '/etc/network/interfaces': `iface w inet dhcp\n wpa-psk ${secret}\n`,
      '/etc/systemd/network/wg.network': `[Match]\nName=wg0\n[WireGuard]\nPrivateKey=${secret}\n`,
      '/usr/bin/cloud-init': 'x',
      '/etc/cloud/cloud.cfg': `datasource_list: [ NoCloud ]\npassword: ${secret}\n`,
      '/usr/lib/systemd/systemd': 'x',
      '/etc/systemd/system/a.service': `[Unit]\nDescription=A\n[Service]\nExecStart=/bin/a --password=${secret}\nEnvironment=TOKEN=${secret}\n`,
    };
    const text = JSON.stringify(inspect(files, { deep_scan: true, include_databases: true }));
    expect(text).toContain('"name":"w"');
    expect(text).not.toContain(secret);
  });

  test('passes no control character of the guest on, wherever it stands', () => {
    const evil = '\u001b[2J\u009b\u202e';
    const files = {
      ...GUEST,
      '/etc/os-release': `ID=debian\nPRETTY_NAME="${evil}"\n`,
      '/etc/hostname': evil,
      '/etc/passwd': `${evil}:x:0:0:${evil}:${evil}:${evil}\n`,
      '/etc/fstab': `UUID=${evil} /${evil} ext4 ${evil}\n`,
      '/var/lib/dpkg/status': `Package: ${evil}\nVersion: ${evil}\n`,
      [`/boot/vmlinuz-${evil}`]: 'x',
      '/etc/network/interfaces': `iface ${evil} inet ${evil}\n`,
    };
    // JSON escapes C0 itself, so the values are looked at, not the text
    const visit = (value: unknown): void => {
      if (typeof value === 'string') expect(value).not.toMatch(/[\p{Cc}\u202e]/u);
      else if (typeof value === 'object' && value !== null)
        for (const [key, member] of Object.entries(value)) [key, member].forEach(visit);
    };
    visit(inspect(files));
  });
});
