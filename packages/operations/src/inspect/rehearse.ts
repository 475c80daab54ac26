import { zstdDecompressSync } from 'node:zlib';
import { DiskError, MemorySource } from '@guestkit/disk';
import { DEFAULT_INSPECT_OPTIONS } from '@guestkit/guest';
import type { InspectPayload } from './payload.ts';
import { REHEARSAL_DISK } from './rehearsal-disk.ts';
import { runInspect } from './run.ts';

/** Each takes some 50 ms of the start of a jail. The third still takes 10 off the attempt, a fourth 5. */
const ROUNDS = 3;

const PAYLOAD: InspectPayload = {
  image: { path: 'rehearsal.qcow2', format: 'qcow2', allow_format_override: false, read_only: true },
  options: DEFAULT_INSPECT_OPTIONS,
};

/** Inspects a small disk of our own, so that the first real inspection of a process finds its code compiled. */
export function rehearseInspect(): void {
  const source = new MemorySource(new Uint8Array(zstdDecompressSync(Buffer.from(REHEARSAL_DISK, 'base64'))));
  const { path, format } = PAYLOAD.image;
  const image = { request: { path, format }, source, openReference: refuse };
  for (let round = 0; round < ROUNDS; round++) runInspect(PAYLOAD, { images: [image], progress() {} });
}

function refuse(name: string): never {
  throw new DiskError('denied', `Cannot open "${name}": the disk of a rehearsal names no other`);
}
