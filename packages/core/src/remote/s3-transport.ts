import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { RemoteError } from './remote-error.ts';
import type { RangeAnswer, RangeRequest, Transport } from './transport.ts';

/** Where the buckets are. Credentials come by the SDK's own chain: environment, shared files, the role of the machine. */
export interface S3Settings {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** The bucket stands in the path, not in the host name. */
  readonly pathStyle: boolean;
}

/** Asks a service that speaks S3. */
export class S3Transport implements Transport {
  readonly #object: { readonly Bucket: string; readonly Key: string };
  readonly #client: S3Client;

  constructor(bucket: string, key: string, { endpoint, region, pathStyle }: S3Settings) {
    this.#object = { Bucket: bucket, Key: key };
    this.#client = new S3Client({
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      forcePathStyle: pathStyle,
      // whoever asks does it again itself, and counts
      maxAttempts: 1,
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async get({ start, last, version, signal, meter }: RangeRequest): Promise<RangeAnswer> {
    meter.countRequest();
    const command = new GetObjectCommand({
      ...this.#object,
      Range: `bytes=${start}-${last}`,
      ...(version?.etag !== undefined && { IfMatch: version.etag }),
    });
    try {
      return answerOf(await this.#client.send(command, { abortSignal: signal }));
    } catch (error) {
      return failureOf(error);
    }
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }
}

function answerOf(output: GetObjectCommandOutput): RangeAnswer {
  const { $metadata, ETag, LastModified, ContentRange, ContentEncoding, ContentLength, Body } = output;
  const body = Body as Readable | undefined;
  return {
    status: $metadata.httpStatusCode ?? 0,
    etag: ETag,
    lastModified: LastModified?.toUTCString(),
    contentRange: ContentRange,
    contentEncoding: ContentEncoding,
    contentLength: ContentLength,
    retryAfter: undefined,
    body: body ?? NOTHING,
    discard: () => void body?.destroy(),
  };
}

/** What the SDK throws for a status is an answer too. */
function failureOf(error: unknown): RangeAnswer {
  if (error instanceof Error && error.name === 'CredentialsProviderError') {
    throw new RemoteError('forbidden', 'Cannot ask S3: there are no credentials', { cause: error });
  }
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  if (status === undefined) throw error;
  return { ...NO_ANSWER, status };
}

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

const NO_ANSWER: Omit<RangeAnswer, 'status'> = {
  etag: undefined,
  lastModified: undefined,
  contentRange: undefined,
  contentEncoding: undefined,
  contentLength: undefined,
  retryAfter: undefined,
  body: NOTHING,
  discard: () => undefined,
};
