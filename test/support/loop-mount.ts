import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Hands an action the folder where the kernel shows the files of an image; `undefined` where it cannot: that takes root, loop
 * devices, and a kernel that knows the features. For comparing in tests, and only with images that the test made.
 */
export function withMounted<T>(image: string, options: string, action: (folder: string) => T): T | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-mount-'));
  try {
    if (spawnSync('mount', ['-o', `loop,${options}`, image, folder]).status !== 0) return undefined;
    try {
      return action(folder);
    } finally {
      execFileSync('umount', [folder], { stdio: 'pipe' });
    }
  } finally {
    rmdirSync(folder);
  }
}
