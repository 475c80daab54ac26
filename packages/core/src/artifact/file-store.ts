import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, opendir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ArtifactContent, ArtifactReceipt, ArtifactStat, ArtifactStore, PutOptions } from './artifact-store.ts';
import { assertFolder, assertKey } from './key.ts';

/** Begins with a dot, as no key does. */
const TEMPORARY = '.tmp';
const LEFT_OVER_AFTER_MS = 24 * 3600 * 1000;
/** A folder may be removed, for being empty, between its making and its use. */
const MAX_RENAMES = 5;

/** Keeps objects as files below a folder, which API nodes and workers may share over a network. Who only reads need not be able to write. */
export async function openFileStore(folder: string): Promise<ArtifactStore> {
  const store = new FileStore(path.resolve(folder));
  await store.removeLeftOvers();
  return store;
}

class FileStore implements ArtifactStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  get address(): string {
    return `file:${this.#root}`;
  }

  async put(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    { signal }: PutOptions = {},
  ): Promise<ArtifactReceipt> {
    const file = this.#fileOf(key);
    const temporary = path.join(this.#root, TEMPORARY, randomBytes(12).toString('hex'));
    await mkdir(path.dirname(temporary), { recursive: true, mode: 0o700 });
    try {
      const receipt = await writeNew(temporary, content);
      signal?.throwIfAborted();
      await this.#publish(temporary, file);
      return receipt;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async get(key: string): Promise<ArtifactContent | undefined> {
    const handle = await orUndefined(open(this.#fileOf(key), 'r'));
    if (handle === undefined) return undefined;
    const { size } = await handle.stat();
    const stream = handle.createReadStream({ highWaterMark: 256 * 1024 });
    return {
      sizeBytes: size,
      bytes: stream,
      async [Symbol.asyncDispose]() {
        // the stream closes the file
        stream.destroy();
      },
    };
  }

  async stat(key: string): Promise<ArtifactStat | undefined> {
    return orUndefined(statOf(key, this.#fileOf(key)));
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const file = this.#fileOf(key);
      await rm(file, { force: true });
      await this.#removeEmptyFolders(path.dirname(file));
    }
  }

  async *list(folder: string): AsyncIterable<ArtifactStat> {
    assertFolder(folder);
    yield* this.#filesBelow(path.join(this.#root, folder));
  }

  async removeLeftOvers(): Promise<void> {
    for await (const { key, modifiedAtMs } of this.#filesBelow(path.join(this.#root, TEMPORARY))) {
      if (modifiedAtMs < Date.now() - LEFT_OVER_AFTER_MS) await rm(path.join(this.#root, key), { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #fileOf(key: string): string {
    assertKey(key);
    return path.join(this.#root, key);
  }

  async #publish(temporary: string, file: string): Promise<void> {
    const folder = path.dirname(file);
    for (let renames = 1; ; renames++) {
      const made = await mkdir(folder, { recursive: true, mode: 0o700 });
      try {
        await rename(temporary, file);
        return await syncFolders(folder, made === undefined ? folder : path.dirname(made));
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || renames === MAX_RENAMES) throw error;
      }
    }
  }

  async *#filesBelow(folder: string): AsyncIterable<ArtifactStat> {
    const entries = await orUndefined(opendir(folder));
    if (entries === undefined) return;
    for await (const entry of entries) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) yield* this.#filesBelow(place);
      // one that was deleted meanwhile is not listed
      else if (entry.isFile()) yield* present(await orUndefined(statOf(path.relative(this.#root, place), place)));
    }
  }

  async #removeEmptyFolders(folder: string): Promise<void> {
    for (let at = folder; at !== this.#root; at = path.dirname(at)) {
      const removed = await rmdir(at).then(
        () => true,
        () => false,
      );
      // somebody keeps something in it, or was faster: both are well
      if (!removed) return;
    }
  }
}

async function writeNew(file: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<ArtifactReceipt> {
  const sum = createHash('sha256');
  let sizeBytes = 0;
  await using handle = await open(file, 'wx', 0o600);
  for await (const bytes of content instanceof Uint8Array ? [content] : content) {
    sum.update(bytes);
    sizeBytes += bytes.length;
    await writeWhole(handle, bytes);
  }
  await handle.sync();
  return { sizeBytes, sha256: sum.digest('hex') };
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** Makes a new name durable, and those of the folders that were made for it. */
async function syncFolders(folder: string, last: string): Promise<void> {
  for (let at = folder; ; at = path.dirname(at)) {
    await using handle = await open(at, 'r');
    await handle.sync();
    if (at === last) return;
  }
}

async function statOf(key: string, file: string): Promise<ArtifactStat> {
  const { size, mtimeMs } = await stat(file);
  return { key, sizeBytes: size, modifiedAtMs: mtimeMs };
}

async function orUndefined<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function present<Value>(value: Value | undefined): readonly Value[] {
  return value === undefined ? [] : [value];
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
