import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectFrom, valueFrom } from '../../testing/guest.ts';
import type { MemoryFiles } from '../../testing/memory-tree.ts';
import { readKernelModules } from './kernel-modules.ts';
import { readKernels } from './kernels.ts';
import { compareVersions } from './version-order.ts';

const DEBIAN: MemoryFiles = {
  '/boot/vmlinuz-6.1.0-9-amd64': 'x',
  '/boot/initrd.img-6.1.0-9-amd64': 'x',
  '/boot/vmlinuz-6.1.0-18-amd64': 'x',
  '/boot/config-6.1.0-18-amd64': 'x',
  '/boot/System.map-6.1.0-18-amd64': 'x',
  '/usr/lib/modules/6.1.0-18-amd64/modules.dep': '',
  '/usr/lib/modules/5.10.0-1-amd64/modules.dep': '',
  '/lib': { link: 'usr/lib' },
};

function bzImage(version: string): Uint8Array {
  const image = new Uint8Array(0x1000);
  image.set(new TextEncoder().encode('HdrS'), 0x202);
  new DataView(image.buffer).setUint16(0x20e, 0x400, true);
  image.set(new TextEncoder().encode(`${version} (builder@host) #1 SMP\0`), 0x600);
  return image;
}

describe('readKernels', () => {
  test('lists kernels newest first, with their initrd and modules', () => {
    expect(valueFrom(DEBIAN, readKernels)).toEqual({
      count: 2,
      installed: ['6.1.0-18-amd64', '6.1.0-9-amd64'],
      kernels: [
        {
          version: '6.1.0-18-amd64',
          path: '/boot/vmlinuz-6.1.0-18-amd64',
          initrd: null,
          modules: '/usr/lib/modules/6.1.0-18-amd64',
        },
        {
          version: '6.1.0-9-amd64',
          path: '/boot/vmlinuz-6.1.0-9-amd64',
          initrd: '/boot/initrd.img-6.1.0-9-amd64',
          modules: null,
        },
      ],
      default: '6.1.0-18-amd64',
      default_source: 'newest version',
      modules_only: ['5.10.0-1-amd64'],
    });
  });

  test('believes the environment block of GRUB about the default', () => {
    const grubenv = '# GRUB Environment Block\nsaved_entry=gnulinux-advanced>gnulinux-6.1.0-9-amd64-advanced\n####';
    expect(valueFrom({ ...DEBIAN, '/boot/grub/grubenv': grubenv }, readKernels)).toMatchObject({
      default: '6.1.0-9-amd64',
      default_source: '/boot/grub/grubenv',
    });
  });

  const fedora: MemoryFiles = {
    '/boot/vmlinuz-6.8.5-301.fc40.x86_64': 'x',
    '/boot/initramfs-6.8.5-301.fc40.x86_64.img': 'x',
    '/boot/vmlinuz-6.10.3-200.fc40.x86_64': 'x',
    '/boot/vmlinuz-0-rescue-0123456789abcdef': 'x',
    '/boot/loader/entries/id-6.8.5-301.fc40.x86_64.conf':
      'version 6.8.5-301.fc40.x86_64\nlinux /vmlinuz-6.8.5-301.fc40.x86_64\n',
    '/boot/loader/entries/id-6.10.3-200.fc40.x86_64.conf': 'linux /vmlinuz-6.10.3-200.fc40.x86_64\n',
    '/boot/loader/entries/id-0-rescue.conf': 'linux /vmlinuz-0-rescue-0123456789abcdef\n',
  };

  test('takes the first boot loader entry, rescue ones aside', () => {
    expect(valueFrom(fedora, readKernels)).toMatchObject({
      default: '6.10.3-200.fc40.x86_64',
      default_source: '/boot/loader/entries/id-6.10.3-200.fc40.x86_64.conf',
    });
  });

  test('takes the boot loader entry that loader.conf names', () => {
    const files = { ...fedora, '/boot/loader/loader.conf': 'timeout 3\ndefault id-6.8*\n' };
    expect(valueFrom(files, readKernels).default).toBe('6.8.5-301.fc40.x86_64');
  });

  test('takes the saved entry of GRUB when it names a boot loader entry', () => {
    const files = { ...fedora, '/boot/grub2/grubenv': 'saved_entry=id-6.8.5-301.fc40.x86_64\n' };
    expect(valueFrom(files, readKernels).default).toBe('6.8.5-301.fc40.x86_64');
  });

  test('reads the version inside an image that is named by its flavour', () => {
    const files = {
      '/boot/vmlinuz-lts': bzImage('6.6.41-0-lts'),
      '/boot/initramfs-lts': 'x',
      '/lib/modules/6.6.41-0-lts/modules.dep': '',
    };
    expect(valueFrom(files, readKernels).kernels).toEqual([
      {
        version: '6.6.41-0-lts',
        path: '/boot/vmlinuz-lts',
        initrd: '/boot/initramfs-lts',
        modules: '/lib/modules/6.6.41-0-lts',
      },
    ]);
  });

  test('takes the version from the modules when the image tells nothing', () => {
    const files = { '/boot/Image-virt': 'x', '/lib/modules/6.6.41-0-virt/modules.dep': '' };
    expect(valueFrom(files, readKernels).installed).toEqual(['6.6.41-0-virt']);
  });

  test('counts links to a kernel, checksums and debug copies not', () => {
    const files: MemoryFiles = {
      '/boot/vmlinuz': { link: 'vmlinuz-6.1.0-1' },
      '/boot/vmlinuz-6.1.0-1': 'x',
      '/boot/vmlinux-6.1.0-1.gz': 'x',
      '/boot/vmlinuz-6.1.0-1.hmac': 'x',
      '/boot/vmlinux-6.1.0-1': 'x',
    };
    expect(valueFrom(files, readKernels).kernels.map(({ path }) => path)).toEqual(['/boot/vmlinuz-6.1.0-1']);
  });

  test('answers absent in a guest that boots no kernel of its own', () => {
    expect(collectFrom({ '/boot': { directory: true } }, readKernels).status).toBe('absent');
  });
});

test('readKernelModules reads what is loaded and what is kept out', () => {
  const files = {
    '/etc/modules': '# comment\nloop max_loop=8\n',
    '/etc/modules-load.d/a.conf': 'virtio_net\n; comment\n',
    '/usr/lib/modules-load.d/a.conf': 'hidden\n',
    '/usr/lib/modules-load.d/b.conf': 'fuse\n',
    '/etc/modprobe.d/x.conf':
      'blacklist pcspkr\noptions kvm nested=1\ninstall cramfs /bin/true\ninstall ok /sbin/modprobe ok\n',
  };
  expect(valueFrom(files, readKernelModules)).toEqual({
    count: 3,
    modules: ['fuse', 'loop', 'virtio_net'],
    blacklisted: ['cramfs', 'pcspkr'],
  });
});

describe('compareVersions', () => {
  test('orders versions as people do', () => {
    const ordered = [
      '0-rescue-ab',
      '5.9',
      '5.10.0',
      '6.1-rc1',
      '6.1-rc10',
      '6.1',
      '6.1.0-9-amd64',
      '6.1.0-18-amd64',
      '6.10',
    ];
    expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
  });

  test('is an order: antisymmetric, and 0 only for equals', () => {
    const version = fc.stringMatching(/^[0-9a-z.~-]{0,12}$/);
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
      }),
    );
  });
});
