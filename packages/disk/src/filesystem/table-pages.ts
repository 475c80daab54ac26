import { Lru } from '../lru.ts';
import type { ByteSource } from '../source/byte-source.ts';
import type { ByteRun } from './run-content.ts';

/** Also the whole of a FAT with entries of 12 bits, which may cross any other border. */
const PAGE_BYTES = 16 * 1024;
const KEPT_BYTES = 4 * 1024 * 1024;

interface Page {
  readonly index: number;
  readonly view: DataView;
}

/** A large table of a volume, read in pages as far as it is asked. */
export class TablePages {
  readonly #source: ByteSource;
  readonly #table: ByteRun;
  readonly #pages = new Lru<number, Page>(KEPT_BYTES, () => PAGE_BYTES);
  /** The page last used: a chain rarely leaves it. */
  #page: Page | undefined;

  constructor(source: ByteSource, table: ByteRun) {
    this.#source = source;
    this.#table = table;
  }

  /** The 16 bits at a position. */
  u16(position: number): number {
    return this.#viewOf(position).getUint16(position % PAGE_BYTES, true);
  }

  u32(position: number): number {
    return this.#viewOf(position).getUint32(position % PAGE_BYTES, true);
  }

  #viewOf(position: number): DataView {
    const index = Math.floor(position / PAGE_BYTES);
    if (this.#page?.index !== index) this.#page = this.#pages.get(index) ?? this.#read(index);
    return this.#page.view;
  }

  #read(index: number): Page {
    const start = index * PAGE_BYTES;
    const length = Math.min(PAGE_BYTES, this.#table.length - start);
    const bytes = this.#source.read(this.#table.offset + start, length);
    const page = { index, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    this.#pages.set(index, page);
    return page;
  }
}
