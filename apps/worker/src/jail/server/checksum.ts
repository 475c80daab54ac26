import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { roomFor } from '../frame.ts';
import { Refusal } from './refusal.ts';

const CHUNK_BYTES = 2 ** 20;

/** `sha256:HEX` or `HEX`, in either case, as lower-case hex. @throws Refusal for anything else */
export function parseChecksum(text: string): string {
  const [, algorithm = 'sha256', digest = ''] = /^(?:([^:]*):)?(.*)$/s.exec(text.trim().toLowerCase()) ?? [];
  if (algorithm !== 'sha256') {
    throw new Refusal('VALIDATION_ERROR', `Unsupported checksum algorithm: "${algorithm}", expected sha256`);
  }
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new Refusal('VALIDATION_ERROR', 'Invalid checksum: expected 64 hexadecimal digits');
  }
  return digest;
}

export interface HashedFile {
  readonly sizeBytes: number;
  /** Done at once, or when the promise is kept. */
  readInto(buffer: Buffer, offset: number): unknown;
}

/** Reads the whole file, giving way to other news of the thread after every chunk. */
export async function sha256Of(file: HashedFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const buffer = roomFor(CHUNK_BYTES);
  for (let offset = 0; offset < file.sizeBytes; offset += CHUNK_BYTES) {
    signal.throwIfAborted();
    const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, file.sizeBytes - offset));
    await file.readInto(chunk, offset);
    hash.update(chunk);
    await setImmediate();
  }
  return hash.digest('hex');
}
