import { PERSONAL_HOSTS } from '@guestkit/core/remote/host-rule';
import type { RemoteUsage } from '@guestkit/core/remote/meter';
import { REMOTE_DEFAULTS, type RemoteSettings } from '@guestkit/core/remote/open-remote';
import { RemoteError, type RemoteErrorKind } from '@guestkit/core/remote/remote-error';
import { BlockingRemoteImage } from '@guestkit/core/remote/thread/blocking-image';
import { type ByteSource, DiskError, type ReferenceOpener } from '@guestkit/disk';
import { formatBytes } from '@guestkit/operations/report/size';
import { CommandError, type Ending } from '../exit-code.ts';
import type { ImageOptions } from './guestctl.ts';
import type { ImageFile } from './open-image.ts';

const ENDINGS: Readonly<Record<RemoteErrorKind, Ending>> = {
  denied: 'denied',
  forbidden: 'denied',
  'not-found': 'not-found',
  unreachable: 'unreachable',
  changed: 'io',
  unsupported: 'unsupported',
  malformed: 'io',
  'over-budget': 'io',
};

/** An image on a server. What it names is never opened: a name means something where the image lies, not here. */
export class RemoteImageFile implements ImageFile, Disposable {
  readonly source: ByteSource;
  readonly claimedFormat: string | undefined;
  readonly references: ReferenceOpener = { open: refuseReference };
  readonly #image: BlockingRemoteImage;

  /** @throws CommandError */
  constructor(address: string, options: ImageOptions) {
    this.#image = attempt(
      () => new BlockingRemoteImage(address, settingsOf(options)),
      (error) => new CommandError(ENDINGS[error.kind], error.message, { cause: error }),
    );
    this.claimedFormat = options.format;
    this.source = { sizeBytes: this.#image.sizeBytes, read: (offset, length) => this.#read(offset, length) };
  }

  get usage(): RemoteUsage {
    return this.#image.usage;
  }

  /** What people should know of the reading. */
  get notes(): readonly string[] {
    const { bytes_fetched, requests } = this.usage;
    const isBlind = !this.#image.isVersioned;
    return [
      `fetched ${formatBytes(bytes_fetched)} in ${requests} requests`,
      ...(isBlind ? ['the server tells neither ETag nor date: a change while it was read may go unnoticed'] : []),
    ];
  }

  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
  }

  #read(offset: number, length: number): Uint8Array {
    return attempt(
      () => this.#image.read(offset, length),
      // whatever it is, it says nothing of what the image holds
      (error) => new DiskError('io', error.message, { offset, cause: error }),
    );
  }
}

function settingsOf({ s3Endpoint, s3Region }: ImageOptions): RemoteSettings {
  return {
    ...REMOTE_DEFAULTS,
    hosts: PERSONAL_HOSTS,
    buckets: ['*'],
    // names of buckets seldom are names of hosts elsewhere than with Amazon
    s3: { endpoint: s3Endpoint, region: s3Region, pathStyle: s3Endpoint !== undefined },
  };
}

function refuseReference(name: string): never {
  throw new DiskError('denied', `Cannot open ${JSON.stringify(name)}, which the image needs: the image is remote`);
}

function attempt<Value>(action: () => Value, translate: (error: RemoteError) => Error): Value {
  try {
    return action();
  } catch (error) {
    throw error instanceof RemoteError ? translate(error) : error;
  }
}
