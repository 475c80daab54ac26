import { readInto } from '../source/read-into.ts';
import type { DiskImage, Extent, ImageFacts } from './image.ts';

/** An image that is read as its caller says, against what its content says. Its facts tell so. */
export class OverriddenImage implements DiskImage {
  readonly sizeBytes: number;
  readonly facts: ImageFacts;
  readonly #image: DiskImage;

  /** @param content the formats that the content matches, for people */
  constructor(image: DiskImage, content: string) {
    const { format, details, warnings } = image.facts;
    this.#image = image;
    this.sizeBytes = image.sizeBytes;
    this.facts = {
      ...image.facts,
      details: { ...details, format_override: content },
      warnings: [`format override: content matches ${content}, read as ${format}, as declared`, ...warnings],
    };
  }

  read(offset: number, length: number): Uint8Array {
    return this.#image.read(offset, length);
  }

  readInto(offset: number, target: Uint8Array): void {
    readInto(this.#image, offset, target);
  }

  async prepare(offset: number, length: number): Promise<void> {
    await this.#image.prepare?.(offset, length);
  }

  extents(from?: number, to?: number): Iterable<Extent> {
    return this.#image.extents(from, to);
  }
}
