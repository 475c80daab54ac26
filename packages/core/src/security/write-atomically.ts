import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { isTemporaryOf, temporaryName } from './temporary-name.ts';

export interface WriteOptions {
  /** Who writes: what the same writer began and left half written, because it was killed, is removed first. */
  readonly writer?: string;
  /** Which attempt of the writer, in letters, digits, "-" and "_"; at random where not given. */
  readonly attempt?: string;
  /** Fires when the writer may no longer publish: then nothing appears under the name. */
  readonly signal?: AbortSignal;
  /** Called when all is written and synced; nothing appears when it throws. */
  readonly beforePublishing?: () => Promise<void>;
}

/** Writes a file that is seen whole or not at all, even after a crash. Returns its size in bytes. */
export async function writeAtomically(
  file: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  { writer, attempt, signal, beforePublishing }: WriteOptions = {},
): Promise<number> {
  if (writer !== undefined) await removeLeftovers(file, writer);
  const temporary = path.join(path.dirname(file), temporaryName(file, writer, attempt));
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

async function removeLeftovers(file: string, writer: string): Promise<void> {
  const folder = path.dirname(file);
  for (const name of await readdir(folder)) {
    if (isTemporaryOf(name, file, writer)) await rm(path.join(folder, name), { force: true });
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
