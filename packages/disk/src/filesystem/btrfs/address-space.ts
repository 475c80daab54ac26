import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Chunk } from './chunk.ts';
import { type ChunkContent, openChunk } from './chunk-content.ts';
import type { Devices } from './devices.ts';
import { corrupt } from './error.ts';

interface MappedChunk {
  readonly chunk: Chunk;
  readonly content: ChunkContent;
  /** By the way in which they are read; made when they are needed. */
  readonly sources: ByteSource[];
}

/** The addresses that everything in a filesystem is named by, and where they lie on devices. */
export class AddressSpace {
  /** By their start, none overlapping. */
  readonly #chunks: readonly MappedChunk[];

  constructor(chunks: readonly Chunk[], devices: Devices) {
    const sorted = chunks.toSorted((one, other) => one.start - other.start);
    for (const [index, { start }] of sorted.entries()) {
      const previous = sorted[index - 1];
      if (previous !== undefined && start < previous.end) {
        throw corrupt(`Cannot read chunk at ${hex(start)}: it overlaps the one at ${hex(previous.start)}`, start);
      }
    }
    this.#chunks = sorted.map((chunk) => ({ chunk, content: openChunk(chunk, devices), sources: [] }));
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks.map(({ chunk }) => chunk);
  }

  /** In how many ways a range can be read. */
  waysTo(address: number): number {
    return this.#at(address, 1).content.ways;
  }

  read(address: number, length: number, way: number): Uint8Array {
    const { chunk, content, sources } = this.#at(address, length);
    sources[way] ??= content.source(way);
    return sources[way].read(address - chunk.start, length);
  }

  #at(address: number, length: number): MappedChunk {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle] as MappedChunk).chunk.start <= address) low = middle + 1;
      else high = middle;
    }
    const mapped = this.#chunks[low - 1];
    if (mapped !== undefined && address >= 0 && address + length <= mapped.chunk.end) return mapped;
    throw corrupt(`Cannot read ${length} bytes at ${hex(address)}: they are in no chunk`, address);
  }
}
