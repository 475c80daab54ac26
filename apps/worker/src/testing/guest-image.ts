import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A small guest made with mke2fs and qemu-img: an ext4 without a partition table, as qcow2. Returns its path. */
export function makeGuestImage(folder: string): string {
  const files = path.join(folder, 'guest');
  mkdirSync(path.join(files, 'etc'), { recursive: true });
  mkdirSync(path.join(files, 'usr/bin'), { recursive: true });
  mkdirSync(path.join(files, 'var/lib/dpkg'), { recursive: true });
  writeFileSync(path.join(files, 'etc/os-release'), 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n');
  writeFileSync(path.join(files, 'etc/hostname'), 'small-guest\n');
  writeFileSync(path.join(files, 'etc/fstab'), '/dev/sda / ext4 defaults 0 1\n');
  writeFileSync(path.join(files, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(
    path.join(files, 'var/lib/dpkg/status'),
    'Package: base-files\nStatus: install ok installed\nVersion: 12.4\nArchitecture: amd64\n',
  );
  const raw = path.join(folder, 'guest.raw');
  const image = path.join(folder, 'guest.qcow2');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', files, raw, '16M']);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
  return image;
}
