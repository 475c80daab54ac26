import { isRemoteAddress, shownAddress } from '@guestkit/core/remote/address';
import { addUsage, type RemoteUsage } from '@guestkit/core/remote/meter';
import { RemoteError } from '@guestkit/core/remote/remote-error';
import type { FileStamp } from '@guestkit/core/security/file-stamp';
import { openWithin } from '@guestkit/core/security/path-guard';
import { ImageReferenceError, openReference } from '@guestkit/core/security/reference-policy';
import { FORMAT_NOT_CLAIMED } from '@guestkit/disk/claim';
import type { ImageRequest } from '@guestkit/operations/operation';
import type { ScratchFile } from '@guestkit/operations/staging/scratch-file';
import { allocateFrame, FrameError, HEADER_BYTES, type ReadRequest } from '../frame.ts';
import type { OpenedReference } from '../pipe-source.ts';
import type { OfferedImage } from '../start-order.ts';
import type { ImageRules, NamedReference, TaskInputs } from '../task.ts';
import { Refusal, ServiceFault } from './refusal.ts';
import { fillFrom, ServedFile, ServedRemote, type ServedSource } from './served-source.ts';
import { type PackedImage, packedImage, type Unpacking, unpack } from './unpack.ts';

/** A chain of backing files may be 16 long; a VMDK may have many extents. */
const MAX_REFERENCES = 64;
const GB = 1e9;

export interface DeskOptions {
  readonly rules: ImageRules;
  /** Ends what is fetched. */
  readonly signal: AbortSignal;
  /** Told of every sign of life of a server. */
  readonly onLife: () => void;
}

/**
 * The files of one attempt, and all that its jail ever gets to read. Which ones may be opened is the operator's word, never the
 * image's, and is decided here, outside the parser.
 */
export class ImageDesk implements Disposable {
  readonly #options: DeskOptions;
  readonly #sources: ServedSource[] = [];
  /** By image, what was opened last at each depth: the one whose parser names the next. */
  readonly #chains: ServedSource[][] = [];
  readonly #references: NamedReference[] = [];
  /** By image that is compressed: what it holds, which is read in its place. */
  readonly #unpacked = new Map<number, ScratchFile>();
  readonly #openedAtMs = Date.now();
  #bytesRead = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** What was fetched from servers; `undefined` when all images are files. */
  get fetched(): RemoteUsage | undefined {
    const usages = this.#sources.map(({ usage }) => usage).filter((usage) => usage !== undefined);
    return usages.length === 0 ? undefined : usages.reduce(addUsage);
  }

  get stamps(): readonly FileStamp[] {
    return this.#sources.flatMap(({ file }) => file?.stamp ?? []);
  }

  /** What was opened until now. */
  get inputs(): TaskInputs {
    return {
      references: this.#references,
      files: this.#sources.map(({ identity }) => identity),
      changedAtMs: Math.max(0, ...this.#sources.map(({ changedAtMs }) => changedAtMs)),
      openedAtMs: this.#openedAtMs,
    };
  }

  /** @throws PathError, RemoteError when it may not be read or is not there, Refusal when it is empty or too large */
  async openImage(request: ImageRequest): Promise<OfferedImage> {
    const isRemote = isRemoteAddress(request.path);
    const image = isRemote ? await this.#fetch(request.path) : this.#openFile(request.path);
    const opened = this.#serve(image);
    // a jail need not know what may open the image to others
    const shown = { ...request, path: shownAddress(request.path) };
    this.#checkSize(shown, opened.sizeBytes);
    this.#chains.push([image]);
    return { ...opened, request: shown };
  }

  /** How an image is compressed, if it is and is not said to be something else. */
  packing({ source, sizeBytes, request }: OfferedImage): PackedImage | undefined {
    // what is remote is not stored here
    if (this.#sources[source]?.file === undefined) return undefined;
    const readHead = (length: number) => {
      const head = Buffer.alloc(Math.min(length, sizeBytes));
      this.readInto(source, head, 0);
      return head;
    };
    return packedImage(readHead, request.format);
  }

  /** Puts what it holds in the place of an image. @throws DiskError */
  async unpack(image: OfferedImage, { inner }: PackedImage, unpacking: Unpacking): Promise<OfferedImage> {
    const { source, request } = image;
    const file = this.#sources[source]?.file;
    if (file === undefined) throw new TypeError('Cannot unpack an image: it is no file');
    const scratch = await unpack(file.fd, unpacking);
    this.#unpacked.set(source, scratch);
    this.#checkSize(request, scratch.sizeBytes);
    return { source, sizeBytes: scratch.sizeBytes, request: { ...request, format: inner ?? FORMAT_NOT_CLAIMED } };
  }

  /** @throws ImageReferenceError as the policy decides */
  openReference(image: number, name: string, from: number): OpenedReference {
    const chain = this.#chains[image];
    const naming = chain?.[from];
    if (chain === undefined || naming === undefined) {
      throw new FrameError(`Cannot open a reference of image ${image} at depth ${from}: nothing is open there`);
    }
    if (naming.file === undefined) throw new ImageReferenceError('denied', name, 'the image is remote');
    if (this.#sources.length - this.#chains.length >= MAX_REFERENCES) {
      throw new ServiceFault('unsupported', `Cannot open "${name}": the image named ${MAX_REFERENCES} files already`);
    }
    const { references, imageRoots } = this.#options.rules;
    const file = openReference(name, {
      policy: references,
      roots: imageRoots,
      path: naming.file.path,
      chain: chain.slice(0, from + 1).flatMap((opened) => opened.file?.stamp ?? []),
    });
    const source = new ServedFile(file);
    chain[from + 1] = source;
    this.#references.push({ image, name, from });
    return this.#serve(source);
  }

  /** Answers a request with a `bytes` frame, in `room` if it fits, at once where it is about a file. @throws ServiceFault, RemoteError */
  read({ source, offset, length }: ReadRequest, room?: Buffer): Buffer | Promise<Buffer> {
    const frame = allocateFrame('bytes', length, room);
    const filled = this.readInto(source, frame.subarray(HEADER_BYTES), offset);
    return filled === undefined ? frame : filled.then(() => frame);
  }

  /** Done at once where it is about a file. */
  readInto(source: number, buffer: Buffer, offset: number): void | Promise<void> {
    const served = this.#unpacked.get(source) ?? this.#sources[source];
    if (served === undefined || offset + buffer.length > served.sizeBytes) {
      throw new FrameError(`Cannot read ${buffer.length} bytes at ${offset} of source ${source}: there are none`);
    }
    this.#bytesRead += buffer.length;
    return 'fd' in served ? fillFrom(served.fd, buffer, offset) : served.readInto(buffer, offset);
  }

  /** @throws Refusal when a file was written to since it was opened (security rule R12), RemoteError when a server failed */
  assertUnchanged(): void {
    for (const source of this.#sources) source.assertUnchanged();
  }

  [Symbol.dispose](): void {
    for (const source of this.#sources) source[Symbol.dispose]();
    for (const scratch of this.#unpacked.values()) scratch[Symbol.dispose]();
  }

  #openFile(path: string): ServedSource {
    return new ServedFile(openWithin(this.#options.rules.imageRoots, path));
  }

  async #fetch(address: string): Promise<ServedSource> {
    const { rules, signal, onLife } = this.#options;
    if (rules.remote === undefined) {
      const shown = shownAddress(address);
      throw new RemoteError('denied', `Cannot open "${shown}": this worker reads no remote images`);
    }
    // few ask for it, and every thread would load it
    const { openRemoteImage } = await import('@guestkit/core/remote/open-remote');
    return new ServedRemote(await openRemoteImage(address, rules.remote, { signal, onAnswer: onLife }));
  }

  #checkSize({ path }: ImageRequest, sizeBytes: number): void {
    const { maxDiskSizeGb } = this.#options.rules;
    if (sizeBytes === 0) throw new Refusal('IMAGE_CORRUPT', `Cannot read "${path}": the file is empty`);
    if (maxDiskSizeGb === 0 || sizeBytes <= maxDiskSizeGb * GB) return;
    const state = `it has ${Math.ceil(sizeBytes / GB)} GB, this worker takes up to ${maxDiskSizeGb} GB`;
    throw new Refusal('IMAGE_UNSUPPORTED', `Cannot read "${path}": ${state}`);
  }

  #serve(source: ServedSource): OpenedReference {
    this.#sources.push(source);
    return { source: this.#sources.length - 1, sizeBytes: source.sizeBytes };
  }
}
