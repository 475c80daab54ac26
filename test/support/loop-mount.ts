import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Hands an action the folder where the kernel shows the files of an image; `undefined` where it cannot: that takes root, loop
 * devices, and a kernel that knows the features. For comparing in tests, and only with images that the test made.
 */
export function withMounted<T>(image: string, options: string, action: (folder: string) => T): T | undefined {
  return mounting(['-o', `loop,${options}`, image], action);
}

/** The same for a filesystem on several images, each the content of a device. */
export function withMountedDevices<T>(
  images: readonly string[],
  options: string,
  action: (folder: string) => T,
): T | undefined {
  const devices: string[] = [];
  try {
    for (const image of images) {
      const attached = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' });
      if (attached.status !== 0) return undefined;
      devices.push(attached.stdout.trim());
    }
    const [first = '', ...others] = devices;
    return mounting(['-o', [options, ...others.map((device) => `device=${device}`)].join(), first], action);
  } finally {
    for (const device of devices) execFileSync('losetup', ['--detach', device], { stdio: 'pipe' });
  }
}

function mounting<T>(args: readonly string[], action: (folder: string) => T): T | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-mount-'));
  try {
    if (spawnSync('mount', [...args, folder]).status !== 0) return undefined;
    try {
      return action(folder);
    } finally {
      execFileSync('umount', [folder], { stdio: 'pipe' });
    }
  } finally {
    rmdirSync(folder);
  }
}
