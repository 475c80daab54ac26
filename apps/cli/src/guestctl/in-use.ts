import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FileStamp } from '@guestkit/core/security/file-stamp';
import type { ImageFacts } from '@guestkit/disk';

/** A file of an image, where it lies on this host. */
export interface HostFile {
  readonly path: string;
  readonly stamp: FileStamp;
}

/**
 * What suggests that a virtual machine has an image open: for people to know, never a reason to refuse. A copy of it may be torn,
 * and a machine that was killed leaves the same marks.
 */
export function signsOfUse({ details }: ImageFacts, files: readonly HostFile[]): readonly string[] {
  return [...signsInImage(details), ...files.flatMap(({ path: file }) => signsBeside(file)), ...signsOfLocks(files)];
}

function signsInImage(details: ImageFacts['details']): readonly string[] {
  const signs: string[] = [];
  if (details.dirty === true) signs.push('its dirty bit is set, as while a machine writes to it');
  const open = bitmapsOf(details).filter(({ flags }) => flags.includes('in-use'));
  if (open.length > 0)
    signs.push(`${open.length} of its bitmaps are marked as in use, as while a machine writes to it`);
  return signs;
}

function bitmapsOf({ bitmaps }: ImageFacts['details']): readonly { readonly flags: readonly string[] }[] {
  return Array.isArray(bitmaps) ? bitmaps : [];
}

/** VMware keeps a folder of locks beside a disk for as long as a machine has it open. */
function signsBeside(file: string): readonly string[] {
  const locks = `${path.basename(file)}.lck`;
  return existsSync(path.join(path.dirname(file), locks)) ? [`there is "${locks}" beside it, as VMware makes it`] : [];
}

const LOCK_TABLE = '/proc/locks';
/** qemu locks a byte for each thing that it does to an image; this one says that it writes. */
const QEMU_WRITES = 101;

function signsOfLocks(files: readonly HostFile[]): readonly string[] {
  const locks = readLocks();
  return files.flatMap(({ path: file, stamp }) => {
    const own = locks.filter((lock) => lock.dev === stamp.dev && lock.ino === stamp.ino);
    const name = path.basename(file);
    if (own.some(isQemuWriting)) return [`qemu has "${name}" open for writing`];
    return own.some(({ mode }) => mode === 'WRITE') ? [`a process holds a lock on "${name}" to write to it`] : [];
  });
}

function isQemuWriting({ kind, start, end }: Lock): boolean {
  return kind === 'OFDLCK' && start <= QEMU_WRITES && end >= QEMU_WRITES && end < Number.POSITIVE_INFINITY;
}

interface Lock {
  readonly kind: string;
  readonly mode: string;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly start: number;
  readonly end: number;
}

// 1: OFDLCK ADVISORY  READ -1 fe:00:9995092 100 101
const LOCK_LINE = /^\d+: (\w+) +\w+ +(\w+) +-?\d+ ([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) (\d+|EOF)$/;

/** The kernel's list. Elsewhere than on Linux there is none to read, and so nothing to tell. */
function readLocks(): readonly Lock[] {
  if (!existsSync(LOCK_TABLE)) return [];
  return readFileSync(LOCK_TABLE, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, kind, mode, major, minor, ino, start, end] = LOCK_LINE.exec(line) ?? [];
      if (kind === undefined || mode === undefined || ino === undefined) return [];
      const dev = deviceNumber(Number.parseInt(major ?? '', 16), Number.parseInt(minor ?? '', 16));
      const last = end === 'EOF' ? Number.POSITIVE_INFINITY : Number(end);
      return [{ kind, mode, dev, ino: BigInt(ino), start: Number(start), end: last }];
    });
}

/** As stat tells it: some of the bits of the minor number stand above those of the major one. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}
