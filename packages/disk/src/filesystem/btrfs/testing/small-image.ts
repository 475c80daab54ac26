import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A filesystem of 20 MiB with a few of everything, made without a mount. */
export function makeSmallImage(folder: string): Uint8Array {
  const from = path.join(folder, 'from');
  mkdirSync(path.join(from, 'folder/inner'), { recursive: true });
  writeFileSync(path.join(from, 'file'), 'stored '.repeat(3000));
  writeFileSync(path.join(from, 'folder/inline'), 'inline '.repeat(20));
  writeFileSync(path.join(from, 'folder/inner/deep'), 'deep');
  symlinkSync('file', path.join(from, 'link'));
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'text', path.join(from, 'file')]);
  const image = path.join(folder, 'small.img');
  writeFileSync(image, '');
  truncateSync(image, 20 * 1024 * 1024);
  execFileSync('mkfs.btrfs', ['-q', '-M', '-n', '4096', '-m', 'single', '-d', 'single', '-r', from, image], {
    stdio: 'pipe',
  });
  return readFileSync(image);
}
