import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What files are full of. */
export const CONTENT = '#';

/** A list of files that mkfs.xfs makes a filesystem of, for where none can be mounted: a few of each kind. */
export function makePrototype(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const content = path.join(folder, 'content');
  writeFileSync(content, CONTENT.repeat(5000));
  const names = (count: number) => Array.from({ length: count }, (_, index) => `name-${index} ---644 0 0 /dev/null`);
  const lines = [
    ...['/dev/null', '0 0', 'd--755 0 0', `file ---644 0 0 ${content}`, 'link l--777 0 0 file'],
    ...[`long l--777 0 0 ${'t'.repeat(600)}`, 'tty c--600 0 0 4 64'],
    ...[
      'small d--755 0 0',
      ...names(2),
      '$',
      'block d--755 0 0',
      ...names(25),
      '$',
      'leaf d--755 0 0',
      ...names(100),
      '$',
    ],
    '$',
  ];
  const file = path.join(folder, 'prototype');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
