import { closeSync, readSync } from 'node:fs';
import type { RemoteUsage } from '@guestkit/core/remote/meter';
import type { RemoteImage } from '@guestkit/core/remote/open-remote';
import { type FileStamp, sameStamp, stampOf, stampText } from '@guestkit/core/security/file-stamp';
import type { GuardedFile } from '@guestkit/core/security/path-guard';
import { Refusal, ServiceFault } from './refusal.ts';

/** What a jail may read. */
export interface ServedSource extends Disposable {
  readonly sizeBytes: number;
  /** Which it is, and which content it has. */
  readonly identity: string;
  readonly changedAtMs: number;
  /** Where it is a file of this host. */
  readonly file?: GuardedFile;
  readonly usage?: RemoteUsage;
  /** Fills the buffer, at once where it is a file. @throws ServiceFault `io`, RemoteError */
  readInto(buffer: Buffer, offset: number): void | Promise<void>;
  /** @throws Refusal when what was read cannot be trusted (security rule R12), RemoteError */
  assertUnchanged(): void;
}

export class ServedFile implements ServedSource {
  readonly file: GuardedFile;

  constructor(file: GuardedFile) {
    this.file = file;
  }

  get sizeBytes(): number {
    return Number(this.file.stamp.size);
  }

  get identity(): string {
    return `${this.file.path} ${stampText(this.file.stamp)}`;
  }

  get changedAtMs(): number {
    return changedAtMs(this.file.stamp);
  }

  readInto(buffer: Buffer, offset: number): void {
    fillFrom(this.file.fd, buffer, offset);
  }

  assertUnchanged(): void {
    const { fd, stamp } = this.file;
    if (sameStamp(stampOf(fd), stamp)) return;
    throw new Refusal('IMAGE_CHANGED', 'Cannot trust what was read: the image was written to meanwhile');
  }

  [Symbol.dispose](): void {
    closeSync(this.file.fd);
  }
}

/** An image on a server, which compares every answer with the first. What went wrong is remembered: a jail might make light of it. */
export class ServedRemote implements ServedSource {
  readonly #image: RemoteImage;
  #fault: unknown;

  constructor(image: RemoteImage) {
    this.#image = image;
  }

  get sizeBytes(): number {
    return this.#image.sizeBytes;
  }

  get identity(): string {
    return `${this.#image.shown} ${this.#image.stamp} ${this.sizeBytes}`;
  }

  /** Without a strong ETag, two contents may look the same: as if it changed all the time. */
  get changedAtMs(): number {
    const { stamp, modifiedAtMs } = this.#image;
    return stamp?.startsWith('"') === true ? (modifiedAtMs ?? 0) : Number.POSITIVE_INFINITY;
  }

  get usage(): RemoteUsage {
    return this.#image.usage;
  }

  async readInto(buffer: Buffer, offset: number): Promise<void> {
    try {
      buffer.set(await this.#image.read(offset, buffer.length));
    } catch (error) {
      this.#fault ??= error;
      throw error;
    }
  }

  assertUnchanged(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
  }
}

/** Fills a buffer from a file. @throws ServiceFault `io` when it is too short */
export function fillFrom(fd: number, buffer: Buffer, offset: number): void {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    if (count === 0) throw new ServiceFault('io', 'Cannot read the image: it became shorter while it was read');
    filled += count;
  }
}

function changedAtMs({ mtimeNs, ctimeNs }: FileStamp): number {
  return Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
}
