// The program that unpacks one compressed image: compressed bytes in on descriptor 0, plain ones out on descriptor 3.
// What it parses is hostile, so it gives up all rights before the first byte of it.

import { readSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import {
  ByteInput,
  type Compression,
  DiskError,
  decodeXzStream,
  FileSource,
  imageFormatOf,
} from '@guestkit/disk/unpack';
import type { UnpackFailure } from './failure.ts';

const INPUT = 0;
const FAILURE = 2;
// not standard output: Node lets writing to that fail rather than wait
const OUTPUT = 3;
const PIECE_BYTES = 2 ** 18;

const UNPACK: Readonly<Record<Compression, () => Promise<void>>> = {
  gzip: () => inflate('gzip', createGunzip({ chunkSize: PIECE_BYTES })),
  zstd: () => inflate('zstd', createZstdDecompress({ chunkSize: PIECE_BYTES })),
  xz: async () => decodeXzStream(new ByteInput(readPiece), write),
};

const NOBODY = 65534;

const [user, compression] = process.argv.slice(2) as ['as-nobody' | 'as-is', Compression];
try {
  confine();
  await unpack();
} catch (error) {
  write(Buffer.from(JSON.stringify(failureOf(error))), FAILURE);
  process.exitCode = 1;
}

/** What also is another format could be two disks to two readers (security rule R3). */
async function unpack(): Promise<void> {
  const found = imageFormatOf(new FileSource(INPUT));
  if (found !== compression) throw new DiskError('mismatch', `Cannot unpack image: content is ${found}`, { offset: 0 });
  await UNPACK[compression]();
}

function confine(): void {
  if (user === 'as-nobody') leaveRoot();
  const { permission } = process;
  if (permission === undefined) throw new Error('Cannot confine this process: it runs without the permission model');
  permission.drop('fs');
  for (const scope of ['fs.read', 'fs.write', 'net', 'child', 'worker', 'addon', 'wasi', 'inspector']) {
    if (permission.has(scope)) throw new Error(`Cannot confine this process: it is still allowed ${scope}`);
  }
}

/** Where the program that started this one did not already. */
function leaveRoot(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

async function inflate(name: string, engine: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for await (const piece of Readable.from(pieces()).pipe(engine)) write(piece);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    const state = cause instanceof Error ? cause.message : String(cause);
    throw new DiskError('corrupt', `Cannot unpack image: ${name} says "${state}"`, { format: name, cause });
  }
}

function* pieces(): Iterable<Uint8Array> {
  for (let piece = readPiece(); piece !== undefined; piece = readPiece()) yield piece;
}

function readPiece(): Uint8Array | undefined {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  const count = readSync(INPUT, buffer, 0, PIECE_BYTES, null);
  return count === 0 ? undefined : buffer.subarray(0, count);
}

function write(bytes: Uint8Array, descriptor = OUTPUT): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

function failureOf(error: unknown): UnpackFailure {
  if (error instanceof DiskError) {
    const { kind, message, format, offset } = error;
    return { kind, message, format, offset };
  }
  const { code } = error as NodeJS.ErrnoException;
  return {
    kind: 'io',
    message: `Cannot unpack image: ${code ?? (error instanceof Error ? error.message : String(error))}`,
  };
}
