import { parseRemoteAddress, type RemoteAddress } from './address.ts';
import { BLOCK_BYTES, BlockReader } from './block-reader.ts';
import type { HostRule } from './host-rule.ts';
import { HttpTransport } from './http-transport.ts';
import { Meter, type RemoteBudget, type RemoteUsage } from './meter.ts';
import { NetworkGuard } from './network-guard.ts';
import { RemoteError } from './remote-error.ts';
import { RemoteObject } from './remote-object.ts';
import type { S3Settings } from './s3-transport.ts';
import type { Transport } from './transport.ts';

/** What an operator allows of remote images. Plain data: it crosses to threads. */
export interface RemoteSettings extends RemoteBudget {
  /** Servers for `http://` and `https://`. */
  readonly hosts: readonly HostRule[];
  /** Buckets for `s3://`: `BUCKET`, `BUCKET/FOLDER`, or `*`. */
  readonly buckets: readonly string[];
  readonly s3: S3Settings;
  readonly cacheBytes: number;
  readonly timeoutMs: number;
}

export const REMOTE_DEFAULTS = {
  cacheBytes: 64 * 2 ** 20,
  maxBytes: 16 * 2 ** 30,
  maxRequests: 100_000,
  timeoutMs: 30_000,
} as const;

export interface RemoteImage extends Disposable {
  readonly sizeBytes: number;
  /** The address without what it may hold of secrets. */
  readonly shown: string;
  /** Which content it is; `undefined` when the server tells nothing that would change with it. */
  readonly stamp: string | undefined;
  /** `undefined` when the server does not tell. */
  readonly modifiedAtMs: number | undefined;
  readonly usage: RemoteUsage;
  /** One at a time, and within the image. @throws RemoteError, or the reason of the signal */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface OpenRemoteOptions {
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
  /** Told of every sign of life of the server. */
  readonly onAnswer?: () => void;
  /** Before a request is repeated; tests wait less. */
  readonly pauseMs?: number;
}

/** Opens an image on a server, if the settings allow it. @throws RemoteError, or the reason of the signal */
export async function openRemoteImage(
  text: string,
  settings: RemoteSettings,
  { signal, onAnswer, pauseMs }: OpenRemoteOptions,
): Promise<RemoteImage> {
  const address = parseRemoteAddress(text);
  const { shown } = address;
  const { timeoutMs, cacheBytes } = settings;
  const meter = new Meter(settings);
  const closed = new AbortController();
  await using opened = new AsyncDisposableStack();
  const transport = opened.use(await transportFor(address, settings));
  const ended = AbortSignal.any([signal, closed.signal]);
  const options = { transport, shown, meter, timeoutMs, signal: ended, onAnswer, pauseMs };
  const found = await RemoteObject.open(options, BLOCK_BYTES);
  const reader = new BlockReader(found, { meter, cacheBytes });
  opened.move();
  const { version, sizeBytes } = found.object;
  return {
    ...{ sizeBytes, shown },
    stamp: version.etag ?? version.lastModified,
    modifiedAtMs: version.lastModified === undefined ? undefined : Date.parse(version.lastModified),
    get usage() {
      return meter.usage;
    },
    read: (offset, length) => reader.read(offset, length),
    [Symbol.dispose]() {
      closed.abort();
      transport[Symbol.dispose]();
    },
  };
}

async function transportFor(address: RemoteAddress, { hosts, buckets, s3 }: RemoteSettings): Promise<Transport> {
  if (address.kind === 'http') return new HttpTransport(address.url, new NetworkGuard(hosts));
  const { bucket, key, shown } = address;
  if (!buckets.some((allowed) => isWithin(allowed, `${bucket}/${key}`))) {
    throw new RemoteError('denied', `Cannot read "${shown}": images from that bucket are not allowed`);
  }
  // takes a quarter of a second to load, which only those should wait for who use it
  const { S3Transport } = await import('./s3-transport.ts');
  return new S3Transport(bucket, key, s3);
}

function isWithin(allowed: string, place: string): boolean {
  return allowed === '*' || place.startsWith(`${allowed.replace(/\/+$/, '')}/`);
}
