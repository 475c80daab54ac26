import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Extent } from '../image/image.ts';
import { joinExtents } from '../source/extent.ts';
import { seededRandom } from './mutation.ts';

/** A folder of images, and qemu-img and qemu-io at work in it. */
export class QemuFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'guestkit-qemu-'));

  img(...args: readonly string[]): Buffer {
    return execFileSync('qemu-img', args, { cwd: this.path, stdio: 'pipe' });
  }

  io(format: string, image: string, ...commands: readonly string[]): void {
    const args = commands.flatMap((command) => ['-c', command]);
    execFileSync('qemu-io', ['-f', format, ...args, image], { cwd: this.path, stdio: 'pipe' });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** The disk in an image, as qemu-img reads it. */
  bytesOf(format: string, name: string): Buffer {
    this.img('convert', '-f', format, '-O', 'raw', name, 'answer.raw');
    return readFileSync(this.file('answer.raw'));
  }

  /** What is stored of an image, as qemu-img maps it. */
  extentsOf(format: string, name: string): Extent[] {
    const entries: readonly MapEntry[] = JSON.parse(this.img('map', '-f', format, '--output=json', name).toString());
    const extents = entries.map(({ start, length, present, data }): Extent => {
      return { offset: start, length, kind: data ? 'data' : present ? 'zero' : 'absent' };
    });
    return [...joinExtents(extents)];
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly present: boolean;
  readonly data: boolean;
}

/** qemu-img times its key derivation, and where the machine is too busy for that, it makes no image. */
export function encryptWithQemu(cwd: string, args: readonly string[]): void {
  for (let tries = 1; ; tries++) {
    try {
      execFileSync('qemu-img', args, { cwd, stdio: 'pipe' });
      return;
    } catch (error) {
      if (tries === 5 || !String(error).includes('Unable to')) throw error;
    }
  }
}

/** Writes text, random bytes, zeros, one byte repeated and holes, in pieces that fit no block size. */
export function writeStructured(file: string, sizeBytes: number, largestPiece = 150_000): void {
  const fd = openSync(file, 'w');
  const random = seededRandom(sizeBytes);
  for (let at = 0, piece = 0; at < sizeBytes; piece++) {
    const length = Math.min(sizeBytes - at, 1 + random(largestPiece));
    const bytes = Buffer.alloc(length);
    if (piece % 5 === 0) bytes.fill('The quick brown fox jumps over the lazy dog. ');
    if (piece % 5 === 1) for (let index = 0; index < length; index++) bytes[index] = random(256);
    if (piece % 5 === 3) bytes.fill(1 + random(255));
    if (piece % 5 !== 4 || at + length === sizeBytes) writeSync(fd, bytes, 0, length, at);
    at += length;
  }
  closeSync(fd);
}
