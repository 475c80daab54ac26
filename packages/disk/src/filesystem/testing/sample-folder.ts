import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

/** Fills a folder with one of everything that a filesystem must keep, but for devices. */
export function makeSampleFolder(folder: string): string {
  mkdirSync(folder);
  const at = (name: string) => path.join(folder, name);
  for (const [name, size] of Object.entries(FILE_SIZES)) writeFileSync(at(name), randomBytes(size));
  writeSparse(at('sparse'), 3_000_000, [0, 700_000, 2_500_123]);
  writeSparse(at('only-hole'), 500_000, []);
  makeLinks(at);
  makeNames(folder);
  makeFolders(at);
  writeFileSync(at('setuid'), '#!/bin/sh\n', { mode: 0o755 });
  execFileSync('chmod', ['4751', at('setuid')]);
  execFileSync('mkfifo', [at('fifo')]);
  utimesSync(at('one-byte'), 1_000_000_000, 1_234_567_890);
  utimesSync(at('two-blocks'), -86_400, -86_400);
  return folder;
}

/** Devices in both encodings, owners above 16 bits, and times beyond 2038 with nanoseconds where inodes have room. */
export const SAMPLE_COMMANDS: readonly string[] = [
  'mknod tty c 4 64',
  'mknod disk b 259 60000',
  'sif one-byte uid 70000',
  'sif one-byte gid 4000000000',
];
export const WIDE_TIME_COMMANDS: readonly string[] = [
  'sif inline-60 mtime 0x10',
  'sif inline-60 mtime_extra 0x1dcd6501',
];

const FILE_SIZES: Readonly<Record<string, number>> = {
  empty: 0,
  'one-byte': 1,
  'inline-60': 60,
  'inline-61': 61,
  'inline-130': 130,
  'inline-160': 160,
  'almost-a-block': 1023,
  'two-blocks': 2048,
  large: 700_001,
};

/** A file that is a hole but for some content at each offset. */
export function writeSparse(file: string, size: number, offsets: readonly number[], content = randomBytes(5000)): void {
  const fd = openSync(file, 'w');
  ftruncateSync(fd, size);
  for (const offset of offsets) writeSync(fd, content, 0, content.length, offset);
  closeSync(fd);
}

function makeLinks(at: (name: string) => string): void {
  linkSync(at('large'), at('large-again'));
  symlinkSync('one-byte', at('link-short'));
  symlinkSync('/absolute/and/dangling', at('link-dangling'));
  for (const length of [59, 60, 61, 150, 900]) symlinkSync('t'.repeat(length), at(`link-${length}`));
}

function makeNames(folder: string): void {
  const names = ['n'.repeat(255), 'ünïcödé', '😀 and more', 'tab\tnewline\n', 'back\\slash "quote"', '-dash', ' '];
  for (const name of names) writeFileSync(path.join(folder, name), name);
  for (const bytes of [[0xff, 0xfe, 0x41], [0x80], [0xed, 0xb2, 0x80], [0xc3, 0x28], [0xef, 0xbb, 0xbf, 0x42]]) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)]), Uint8Array.from(bytes));
  }
}

function makeFolders(at: (name: string) => string): void {
  mkdirSync(at('empty-folder'));
  mkdirSync(at(`deep/${'d/'.repeat(60)}`), { recursive: true });
  for (const [name, count] of [
    ['small-folder', 5],
    ['inline-folder', 12],
    ['many', 400],
  ] as const) {
    mkdirSync(at(name));
    for (let index = 0; index < count; index++) writeFileSync(at(`${name}/entry-${index}`), `${index}`);
  }
}
