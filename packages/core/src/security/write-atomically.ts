import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export interface WriteOptions {
  /** Who writes: what the same writer began and left half written, because it was killed, is removed first. */
  readonly writer?: string;
  /** Fires when the writer may no longer publish: then nothing appears under the name. */
  readonly signal?: AbortSignal;
  /** Called when all is written and synced; nothing appears when it throws. */
  readonly beforePublishing?: () => Promise<void>;
}

/** Writes a file that is seen whole or not at all, even after a crash. Returns its size in bytes. */
export async function writeAtomically(
  file: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  { writer, signal, beforePublishing }: WriteOptions = {},
): Promise<number> {
  const ours = temporaryPrefix(file, writer);
  if (writer !== undefined) await removeLeftovers(path.dirname(file), ours);
  const temporary = path.join(path.dirname(file), `${ours}${randomBytes(6).toString('hex')}${TEMPORARY}`);
  try {
    const sizeBytes = await writeNew(temporary, content);
    await beforePublishing?.();
    signal?.throwIfAborted();
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
    return sizeBytes;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const TEMPORARY = '.tmp';

function temporaryPrefix(file: string, writer: string | undefined): string {
  const owner = writer === undefined ? '' : `${createHash('sha256').update(writer).digest('hex').slice(0, 16)}.`;
  return `.${path.basename(file).slice(0, 100)}.${owner}`;
}

async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const isOurs = name.startsWith(prefix) && name.endsWith(TEMPORARY);
    if (isOurs) await rm(path.join(folder, name), { force: true });
  }
}

async function writeNew(file: string, content: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
  // "x": a file or symlink in its place is somebody else's
  await using handle = await open(file, 'wx', 0o644);
  await handle.writeFile(content);
  await handle.sync();
  return (await handle.stat()).size;
}

/** Makes the new name itself durable. */
async function syncFolder(folder: string): Promise<void> {
  await using handle: FileHandle = await open(folder, 'r');
  await handle.sync();
}
