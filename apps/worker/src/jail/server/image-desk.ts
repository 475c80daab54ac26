import { closeSync, readSync } from 'node:fs';
import { type FileStamp, sameStamp, stampOf, stampText } from '@guestkit/core/security/file-stamp';
import { type GuardedFile, openWithin } from '@guestkit/core/security/path-guard';
import { openReference } from '@guestkit/core/security/reference-policy';
import type { ImageRequest } from '@guestkit/operations/operation';
import type { ScratchFile } from '@guestkit/operations/staging/scratch-file';
import { allocateFrame, FrameError, HEADER_BYTES, type ReadRequest } from '../frame.ts';
import type { OpenedReference } from '../pipe-source.ts';
import type { OfferedImage } from '../start-order.ts';
import type { ImageRules, NamedReference, TaskInputs } from '../task.ts';
import { Refusal, ServiceFault } from './refusal.ts';
import { type PackedImage, packedImage, type Unpacking, unpack } from './unpack.ts';

/** A chain of backing files may be 16 long; a VMDK may have many extents. */
const MAX_REFERENCES = 64;
const GB = 1e9;

/**
 * The files of one attempt, and all that its jail ever gets to read. Which ones may be opened is the operator's word, never the
 * image's, and is decided here, outside the parser.
 */
export class ImageDesk implements Disposable {
  readonly #rules: ImageRules;
  readonly #files: GuardedFile[] = [];
  /** By image, the file opened last at each depth: the one whose parser names the next. */
  readonly #chains: GuardedFile[][] = [];
  readonly #references: NamedReference[] = [];
  /** By image that is compressed: what it holds, which is read in its place. */
  readonly #unpacked = new Map<number, ScratchFile>();
  readonly #openedAtMs = Date.now();
  #bytesRead = 0;

  constructor(rules: ImageRules) {
    this.#rules = rules;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get stamps(): readonly FileStamp[] {
    return this.#files.map(({ stamp }) => stamp);
  }

  /** What was opened until now. */
  get inputs(): TaskInputs {
    return {
      references: this.#references,
      files: this.#files.map(({ path, stamp }) => `${path} ${stampText(stamp)}`),
      changedAtMs: Math.max(0, ...this.#files.map(({ stamp }) => changedAtMs(stamp))),
      openedAtMs: this.#openedAtMs,
    };
  }

  /** @throws PathError when the path may not be read or leads to no file, Refusal when the file is empty */
  openImage(request: ImageRequest): OfferedImage {
    const file = openWithin(this.#rules.imageRoots, request.path);
    const opened = this.#serve(file);
    this.#checkSize(request, opened.sizeBytes);
    this.#chains.push([file]);
    return { ...opened, request };
  }

  /** How an image is compressed, if it is and is not said to be something else. */
  packing({ source, sizeBytes, request }: OfferedImage): PackedImage | undefined {
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
    const scratch = await unpack((this.#files[source] as GuardedFile).fd, unpacking);
    this.#unpacked.set(source, scratch);
    this.#checkSize(request, scratch.sizeBytes);
    // `img` claims nothing
    return { source, sizeBytes: scratch.sizeBytes, request: { ...request, format: inner ?? 'img' } };
  }

  /** @throws ImageReferenceError as the policy decides */
  openReference(image: number, name: string, from: number): OpenedReference {
    const chain = this.#chains[image];
    const naming = chain?.[from];
    if (chain === undefined || naming === undefined) {
      throw new FrameError(`Cannot open a reference of image ${image} at depth ${from}: nothing is open there`);
    }
    if (this.#files.length - this.#chains.length >= MAX_REFERENCES) {
      throw new ServiceFault('unsupported', `Cannot open "${name}": the image named ${MAX_REFERENCES} files already`);
    }
    const file = openReference(name, {
      policy: this.#rules.references,
      roots: this.#rules.imageRoots,
      path: naming.path,
      chain: chain.slice(0, from + 1).map(({ stamp }) => stamp),
    });
    chain[from + 1] = file;
    this.#references.push({ image, name, from });
    return this.#serve(file);
  }

  /** Answers a request with a `bytes` frame. @throws ServiceFault `io` when the file became shorter */
  read({ source, offset, length }: ReadRequest): Buffer {
    const frame = allocateFrame('bytes', length);
    this.readInto(source, frame.subarray(HEADER_BYTES), offset);
    return frame;
  }

  readInto(source: number, buffer: Buffer, offset: number): void {
    const file = this.#unpacked.get(source) ?? this.#files[source];
    if (file === undefined || offset + buffer.length > sizeOf(file)) {
      throw new FrameError(`Cannot read ${buffer.length} bytes at ${offset} of source ${source}: there are none`);
    }
    let filled = 0;
    while (filled < buffer.length) {
      const count = readSync(file.fd, buffer, filled, buffer.length - filled, offset + filled);
      if (count === 0) throw new ServiceFault('io', 'Cannot read the image: it became shorter while it was read');
      filled += count;
    }
    this.#bytesRead += filled;
  }

  /** @throws Refusal when a file was written to since it was opened (security rule R12) */
  assertUnchanged(): void {
    if (this.#files.every(({ fd, stamp }) => sameStamp(stampOf(fd), stamp))) return;
    throw new Refusal('IMAGE_CHANGED', 'Cannot trust what was read: the image was written to meanwhile');
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files) closeSync(fd);
    for (const scratch of this.#unpacked.values()) scratch[Symbol.dispose]();
  }

  #checkSize({ path }: ImageRequest, sizeBytes: number): void {
    const { maxDiskSizeGb } = this.#rules;
    if (sizeBytes === 0) throw new Refusal('IMAGE_CORRUPT', `Cannot read "${path}": the file is empty`);
    if (maxDiskSizeGb === 0 || sizeBytes <= maxDiskSizeGb * GB) return;
    const state = `it has ${Math.ceil(sizeBytes / GB)} GB, this worker takes up to ${maxDiskSizeGb} GB`;
    throw new Refusal('IMAGE_UNSUPPORTED', `Cannot read "${path}": ${state}`);
  }

  #serve(file: GuardedFile): OpenedReference {
    this.#files.push(file);
    return { source: this.#files.length - 1, sizeBytes: Number(file.stamp.size) };
  }
}

function sizeOf(file: GuardedFile | ScratchFile): number {
  return 'stamp' in file ? Number(file.stamp.size) : file.sizeBytes;
}

function changedAtMs({ mtimeNs, ctimeNs }: FileStamp): number {
  return Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
}
