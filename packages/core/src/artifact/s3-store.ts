import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ArtifactContent, ArtifactReceipt, ArtifactStat, ArtifactStore, PutOptions } from './artifact-store.ts';
import { assertFolder, assertKey } from './key.ts';

export interface S3StoreOptions {
  readonly bucket: string;
  /** Put before every key; empty, or with a slash behind. */
  readonly prefix: string;
  /** Of a service other than Amazon's. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** The bucket stands in the path, not in the host name. */
  readonly pathStyle: boolean;
}

/** S3 wants at least 5 MiB in every part but the last. */
const PART_BYTES = 8 * 2 ** 20;
/** As many as one request may name. */
const MAX_DELETIONS = 1000;

/** Keeps objects in a bucket. Credentials come by the SDK's own chain: environment, shared files, the role of the machine. */
export function openS3Store(options: S3StoreOptions): ArtifactStore {
  const { endpoint, region, pathStyle } = options;
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    forcePathStyle: pathStyle,
    // ours are SHA-256 sums; the SDK's own trailers are strange to many services
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return new S3Store(client, options);
}

class S3Store implements ArtifactStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(client: S3Client, { bucket, prefix }: S3StoreOptions) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  get address(): string {
    return `s3://${this.#bucket}/${this.#prefix}`;
  }

  async put(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    { signal }: PutOptions = {},
  ): Promise<ArtifactReceipt> {
    const target = this.#objectOf(key);
    const sum = createHash('sha256');
    const parts = inParts(content instanceof Uint8Array ? [content] : content, sum);
    const first = await parts.next();
    const body = first.value ?? new Uint8Array();
    const second = await parts.next();
    signal?.throwIfAborted();
    if (!second.done) {
      const sizeBytes = await this.#putInParts(target, chain([body, second.value], parts), signal);
      return { sizeBytes, sha256: sum.digest('hex') };
    }
    await this.#client.send(new PutObjectCommand({ ...target, Body: body }), abortBy(signal));
    return { sizeBytes: body.length, sha256: sum.digest('hex') };
  }

  async get(key: string): Promise<ArtifactContent | undefined> {
    const answer = await orUndefined(this.#client.send(new GetObjectCommand(this.#objectOf(key))));
    if (answer?.Body === undefined) return undefined;
    const stream = answer.Body as typeof answer.Body & { destroy(): void } & AsyncIterable<Uint8Array>;
    return {
      sizeBytes: answer.ContentLength ?? 0,
      bytes: stream,
      async [Symbol.asyncDispose]() {
        stream.destroy();
      },
    };
  }

  async stat(key: string): Promise<ArtifactStat | undefined> {
    const head = await orUndefined(this.#client.send(new HeadObjectCommand(this.#objectOf(key))));
    return head && { key, sizeBytes: head.ContentLength ?? 0, modifiedAtMs: head.LastModified?.getTime() ?? 0 };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += MAX_DELETIONS) {
      const objects = keys.slice(at, at + MAX_DELETIONS).map((key) => ({ Key: this.#objectOf(key).Key }));
      const answer = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects: objects, Quiet: true } }),
      );
      const [failure] = answer.Errors ?? [];
      if (failure) throw new Error(`Cannot delete "${failure.Key}": ${failure.Code} ${failure.Message ?? ''}`.trim());
    }
  }

  async *list(folder: string): AsyncIterable<ArtifactStat> {
    assertFolder(folder);
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: this.#prefix + folder },
    );
    for await (const { Contents = [] } of pages) {
      for (const { Key = '', Size = 0, LastModified } of Contents) {
        const key = Key.slice(this.#prefix.length);
        yield { key, sizeBytes: Size, modifiedAtMs: LastModified?.getTime() ?? Date.now() };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }

  #objectOf(key: string): { readonly Bucket: string; readonly Key: string } {
    assertKey(key);
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** Of an upload that is not completed nothing is seen, and what was sent of it is thrown away. */
  async #putInParts(
    target: { readonly Bucket: string; readonly Key: string },
    parts: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target), abortBy(signal));
    const upload = { ...target, UploadId };
    try {
      const sent: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
      let sizeBytes = 0;
      for await (const part of parts) {
        const PartNumber = sent.length + 1;
        const command = new UploadPartCommand({ ...upload, PartNumber, Body: part });
        const { ETag } = await this.#client.send(command, abortBy(signal));
        sent.push({ ETag, PartNumber });
        sizeBytes += part.length;
      }
      signal?.throwIfAborted();
      await this.#client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: sent } }));
      return sizeBytes;
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch((cause) => {
        throw new AggregateError([error, cause], 'Cannot store the object, nor throw away what was sent of it');
      });
      throw error;
    }
  }
}

/** Pieces of any size as parts of the size that S3 wants, summed up on the way. */
async function* inParts(
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  sum: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, undefined> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const piece of content) {
    sum.update(piece);
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + PART_BYTES - heldBytes);
      held.push(taken);
      heldBytes += taken.length;
      at += taken.length;
      if (heldBytes < PART_BYTES) continue;
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

async function* chain(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield* first;
  yield* rest;
}

function abortBy(signal: AbortSignal | undefined) {
  return signal ? { abortSignal: signal } : {};
}

async function orUndefined<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof NoSuchKey || error instanceof NotFound) return undefined;
    throw error;
  }
}
