import type { ByteSource } from '../source/byte-source.ts';
import type { DiskImage, ReferenceOpener } from './image.ts';

/** One of the files that a disk is made of. */
export interface ChainFile {
  /** As the image that refers to it spells it; `undefined` for the image itself. */
  readonly name: string | undefined;
  /** How many references lead to it. What refers to it is the last file before it of the depth above. */
  readonly depth: number;
  readonly sizeBytes: number;
  /** `undefined` when it is no image by itself: an extent, an external data file. */
  readonly format: string | undefined;
  /** Of the disk in it. */
  readonly virtualSizeBytes: number | undefined;
}

/** Writes down which files are opened for an image, in order. */
export class ChainRecorder {
  readonly #files: ChainFile[] = [];

  get files(): readonly ChainFile[] {
    return this.#files;
  }

  /** A file that is opened as an image. */
  add(name: string | undefined, depth: number, { sizeBytes }: ByteSource, open: () => DiskImage): DiskImage {
    const index = this.#files.length;
    const file = { name, depth, sizeBytes };
    this.#files.push({ ...file, format: undefined, virtualSizeBytes: undefined });
    const image = open();
    this.#files[index] = { ...file, format: image.facts.format, virtualSizeBytes: image.sizeBytes };
    return image;
  }

  /** Files that a format opens by itself, for the bytes in them. */
  watch(references: ReferenceOpener): ReferenceOpener {
    return {
      open: (name, from) => {
        const source = references.open(name, from);
        const file = { name, depth: from + 1, sizeBytes: source.sizeBytes };
        this.#files.push({ ...file, format: undefined, virtualSizeBytes: undefined });
        return source;
      },
    };
  }
}
