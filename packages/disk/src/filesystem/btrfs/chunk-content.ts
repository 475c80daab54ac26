import type { ByteSource } from '../../source/byte-source.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { WindowSource } from '../../source/window-source.ts';
import { joinParityArray } from '../../volume/raid/parity.ts';
import type { RowLayout } from '../../volume/raid/parity-layout.ts';
import type { Chunk } from './chunk.ts';
import type { Devices } from './devices.ts';
import { STRIPE_LENGTH } from './layout.ts';

/** What a chunk holds, in each of the ways in which it can be read. */
export interface ChunkContent {
  /** How many ways there are: each copy, or each member computed from the others. */
  readonly ways: number;
  /** @throws DiskError when a device is missing that cannot be done without */
  source(way: number): ByteSource;
}

export function openChunk(chunk: Chunk, devices: Devices): ChunkContent {
  return chunk.profile.parities > 0 ? new ParityContent(chunk, devices) : new MirroredContent(chunk, devices);
}

/** Rows of stripes, each stripe on one device or on several. */
class MirroredContent implements ChunkContent {
  readonly ways: number;
  readonly #chunk: Chunk;
  readonly #devices: Devices;

  constructor(chunk: Chunk, devices: Devices) {
    this.ways = chunk.profile.copies;
    this.#chunk = chunk;
    this.#devices = devices;
  }

  source(way: number): ByteSource {
    const { start, end } = this.#chunk;
    return new PieceSource(end - start, (offset) => this.#pieceAt(offset, way));
  }

  #pieceAt(offset: number, way: number): Piece {
    const { start, end, stripes, profile } = this.#chunk;
    const groups = stripes.length / profile.copies;
    // in one piece, there is no need to stop after each stripe
    if (groups === 1) return this.#stored(0, way, { offset, length: end - start - offset });
    const number = Math.floor(offset / STRIPE_LENGTH);
    const within = offset % STRIPE_LENGTH;
    const row = Math.floor(number / groups);
    const place = { offset: row * STRIPE_LENGTH + within, length: STRIPE_LENGTH - within };
    return this.#stored(number % groups, way, place);
  }

  #stored(group: number, way: number, { offset, length }: { readonly offset: number; readonly length: number }): Piece {
    const { stripes, profile } = this.#chunk;
    const present = stripes.slice(group * profile.copies, (group + 1) * profile.copies).flatMap((stripe) => {
      const source = this.#devices.source(stripe.device);
      return source === undefined ? [] : [{ source, offset: stripe.offset + offset }];
    });
    const copy = present[way % Math.max(present.length, 1)];
    if (copy === undefined) throw this.#devices.lossOf(this.#chunk);
    return { kind: 'stored', length, ...copy };
  }
}

/** Far more than there are members in anybody's array. */
const MOST_WAYS = 256;

/** Rows of stripes of which one or two are parity, on other devices from row to row. */
class ParityContent implements ChunkContent {
  readonly #chunk: Chunk;
  readonly #devices: Devices;
  readonly #members: readonly (ByteSource | undefined)[];
  /** Members to do without, in each way. */
  readonly #suspects: readonly (readonly number[])[];

  constructor(chunk: Chunk, devices: Devices) {
    this.#chunk = chunk;
    this.#devices = devices;
    this.#members = chunk.stripes.map(({ device, offset }) => windowOf(devices.source(device), offset, chunk));
    const missing = this.#members.filter((member) => member === undefined).length;
    const spare = chunk.profile.parities - missing;
    const present = [...this.#members.keys()].filter((index) => this.#members[index] !== undefined);
    this.#suspects = [...subsets(present, spare)];
  }

  get ways(): number {
    return Math.max(this.#suspects.length, 1);
  }

  source(way: number): ByteSource {
    const loss = this.#devices.lossOf(this.#chunk);
    if (loss !== undefined) throw loss;
    const { profile, start, end } = this.#chunk;
    const suspects = this.#suspects[way] ?? [];
    return joinParityArray({
      members: this.#members.map((member, index) => (suspects.includes(index) ? undefined : member)),
      level: profile.parities === 1 ? 5 : 6,
      layout: ROW_LAYOUTS[profile.parities - 1] as RowLayout,
      chunkBytes: STRIPE_LENGTH,
      sizeBytes: end - start,
    });
  }
}

/** A device that ends early lacks what is behind its end, not all of the stripe. */
function windowOf(device: ByteSource | undefined, offset: number, { stripeBytes }: Chunk): ByteSource | undefined {
  if (device === undefined || offset >= device.sizeBytes) return undefined;
  const rows = Math.ceil(stripeBytes / STRIPE_LENGTH) * STRIPE_LENGTH;
  return new WindowSource(device, offset, Math.min(rows, device.sizeBytes - offset));
}

function* subsets(members: readonly number[], most: number): Generator<readonly number[]> {
  let count = 0;
  for (let size = 0; size <= most; size++) {
    for (const subset of subsetsOf(members, size)) {
      if (count++ >= MOST_WAYS) return;
      yield subset;
    }
  }
}

function* subsetsOf(members: readonly number[], size: number): Generator<readonly number[]> {
  if (size === 0) yield [];
  else {
    for (const [index, member] of members.entries()) {
      for (const rest of subsetsOf(members.slice(index + 1), size - 1)) yield [member, ...rest];
    }
  }
}

/** Row by row, data and behind it parity start one device further on. */
const ROW_LAYOUTS: readonly RowLayout[] = [
  (row, members) => ({
    parity: (row + members - 1) % members,
    second: undefined,
    data: (n) => (row + n) % members,
  }),
  (row, members) => ({
    parity: (row + members - 2) % members,
    second: (row + members - 1) % members,
    data: (n) => (row + n) % members,
  }),
];
