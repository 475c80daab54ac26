import { closeSync, constants, openSync, readFileSync, realpathSync } from 'node:fs';
import { isRemoteAddress } from '@guestkit/core/remote/address';
import type { RemoteUsage } from '@guestkit/core/remote/meter';
import { sameStamp, stampOf } from '@guestkit/core/security/file-stamp';
import {
  ImageReferenceError,
  openReference,
  type ReferencePolicy,
  type Referrer,
} from '@guestkit/core/security/reference-policy';
import {
  type ByteSource,
  CachedSource,
  type Disk,
  DiskError,
  type DiskImage,
  FileSource,
  type OpenImageOptions,
  openDisk,
  openImage,
  type ReferenceOpener,
} from '@guestkit/disk';
import type { ScratchFile } from '@guestkit/operations/staging/scratch-file';
import { CommandError } from '../exit-code.ts';
import { checkFormatOverride } from '../format-override.ts';
import type { ImageOptions } from './guestctl.ts';
import { type HostFile, signsOfUse } from './in-use.ts';
import { note } from './note.ts';
import { unpackImage } from './unpack-image.ts';

/** Opens a disk image with what it may refer to, and closes all of it when the action is done. */
export function withDisk(
  image: string,
  options: ImageOptions,
  action: (disk: Disk, file: ImageFile) => Promise<void>,
): Promise<void> {
  return withImageFile(image, options, (file) => {
    const disk = openDisk(new CachedSource(file.source), openingOf(options, file));
    tellUse(options, disk.image, file);
    return action(disk, file);
  });
}

/** Opens the container alone: what is on the disk in it may be anything, or nothing. */
export function withImage(
  image: string,
  options: ImageOptions,
  action: (image: DiskImage) => Promise<void>,
): Promise<void> {
  return withImageFile(image, options, (file) => {
    const opened = openImage(new CachedSource(file.source), openingOf(options, file));
    tellUse(options, opened, file);
    return action(opened);
  });
}

function openingOf(options: ImageOptions, { references, claimedFormat }: ImageFile): OpenImageOptions {
  const { allowFormatOverride, disk, snapshot } = options;
  const claim = claimedFormat === undefined ? {} : { claimedFormat, allowFormatOverride };
  return { references, disk, snapshot, passphrases: readPassphrases(options), ...claim };
}

function tellUse(options: ImageOptions, { facts }: DiskImage, { hostFiles = [] }: ImageFile): void {
  note(
    options,
    signsOfUse(facts, hostFiles).map((sign) => `the image may be in use: ${sign}`),
  );
}

/** What may open an encrypted volume, in the order in which it is tried. */
export function readPassphrases({ passphraseFile = [], keyFile = [] }: ImageOptions): readonly Uint8Array[] {
  return [...passphraseFile.map((file) => firstLine(readSecret(file))), ...keyFile.map(readSecret)];
}

function firstLine(bytes: Buffer): Uint8Array {
  const end = bytes.indexOf('\n');
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function readSecret(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new CommandError('usage', `Cannot read the key in "${file}": ${code}`);
  }
}

/** An image as it lies on this host or elsewhere, with what it may name. */
export interface ImageFile {
  /** The image itself, unpacked where it is compressed. */
  readonly source: ByteSource;
  readonly references: ReferenceOpener;
  /** The files that were opened on this host, the image first. */
  readonly hostFiles?: readonly HostFile[];
  /** What was fetched of a remote image until now. */
  readonly usage?: RemoteUsage;
  readonly claimedFormat: string | undefined;
}

/** @throws CommandError when the image changed while the action read it */
export async function withImageFile(
  image: string,
  options: ImageOptions,
  action: (file: ImageFile) => Promise<void>,
): Promise<void> {
  checkFormatOverride(options);
  if (isRemoteAddress(image)) return withRemoteImage(image, options, action);
  using chain = new ImageChain(image, options);
  await chain.unpack();
  await action(chain);
  chain.checkUnchanged();
}

/** Every answer of the server is compared with the first, so that there is nothing left to check. */
async function withRemoteImage(
  image: string,
  options: ImageOptions,
  action: (file: ImageFile) => Promise<void>,
): Promise<void> {
  const { RemoteImageFile } = await import('./remote-image.ts');
  using file = new RemoteImageFile(image, options);
  await action(file);
  note(options, file.notes);
}

interface OpenFile extends HostFile {
  readonly fd: number;
}

/** An image file, and after it the files that it and they name, each opened once the policy has agreed. */
class ImageChain implements ImageFile, Disposable {
  source: ByteSource;
  claimedFormat: string | undefined;
  readonly references: ReferenceOpener = { open: (name, from) => this.#open(name, from) };
  readonly #image: string;
  readonly #options: ImageOptions;
  readonly #policy: ReferencePolicy;
  readonly #roots: readonly string[];
  readonly #opened: OpenFile[] = [];
  /** The image, what it named last, what that named last, and so on. */
  readonly #line: OpenFile[] = [];

  #scratch: ScratchFile | undefined;

  constructor(image: string, options: ImageOptions) {
    const { references, root = [], format } = options;
    if (references === 'roots' && root.length === 0) {
      throw new CommandError('usage', 'Cannot follow references within roots: no --root is given');
    }
    this.#image = image;
    this.#options = options;
    this.claimedFormat = format;
    this.#policy = references;
    this.#roots = root;
    this.source = this.#add(openLocal(image), 0);
  }

  /** Puts what an image holds that is compressed as a whole in its place. What that names lies beside the packed file. */
  async unpack(): Promise<void> {
    const unpacked = await unpackImage((this.#line[0] as OpenFile).fd, this.#options);
    if (unpacked === undefined) return;
    this.#scratch = unpacked.scratch;
    this.source = new FileSource(unpacked.scratch.fd);
    this.claimedFormat = unpacked.claimedFormat;
  }

  get hostFiles(): readonly HostFile[] {
    return this.#opened;
  }

  checkUnchanged(): void {
    if (this.#opened.every(({ fd, stamp }) => sameStamp(stamp, stampOf(fd)))) return;
    throw new CommandError('io', `Cannot vouch for the answer: "${this.#image}" was written to while it was read`);
  }

  [Symbol.dispose](): void {
    this.#scratch?.[Symbol.dispose]();
    for (const { fd } of this.#opened) closeSync(fd);
  }

  #open(name: string, from: number): ByteSource {
    const referrer = this.#line[from];
    if (referrer === undefined) throw new RangeError(`Cannot open a reference: no image stands at depth ${from}`);
    const chain = this.#line.slice(0, from + 1).map(({ stamp }) => stamp);
    const file = openNamed(name, { policy: this.#policy, roots: this.#roots, path: referrer.path, chain });
    return this.#add(file, from + 1);
  }

  #add(file: OpenFile, depth: number): ByteSource {
    this.#opened.push(file);
    this.#line[depth] = file;
    // whoever opens the disk puts a cache before the image itself
    return depth === 0 ? new FileSource(file.fd) : new CachedSource(new FileSource(file.fd));
  }
}

/** Opens what the user named: a path of this host, free to lie anywhere. */
function openLocal(image: string): OpenFile {
  try {
    const real = realpathSync(image);
    // without O_NONBLOCK, opening a fifo waits for a writer that may never come
    const fd = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK);
    return { fd, path: real, stamp: stampOf(fd) };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const [kind, state] = OPEN_FAILURES[code] ?? (['io', code] as const);
    throw new DiskError(kind, `Cannot open "${image}": ${state}`, { cause });
  }
}

const OPEN_FAILURES: Readonly<Record<string, readonly ['not-found' | 'denied' | 'io', string]>> = {
  ENOENT: ['not-found', 'there is no such file'],
  ENOTDIR: ['not-found', 'there is no such file'],
  EACCES: ['denied', 'permission denied'],
  ENXIO: ['io', 'it is not a regular file'],
};

function openNamed(name: string, referrer: Referrer): OpenFile {
  try {
    return openReference(name, referrer);
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new DiskError(error.kind === 'denied' ? 'denied' : 'io', error.message, { cause: error });
  }
}
